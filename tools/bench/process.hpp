// A program that the benchmark has started: its lines, its end, and what it uses up.
//
//   Process broker({"stint-broker", "--memory"});
//   const std::string ready = broker.line();
//   Process client(part({"client", endpoint}));
//   const Json answer = client.ask("flow 1 64");
//
// Its standard output is read here, its standard input written; standard error stays the caller's. The destructor closes
// its standard input, sends SIGTERM and waits for it. One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace stint::bench {

class Process {
 public:
  explicit Process(const std::vector<std::string>& command);  // throws std::runtime_error when it cannot be started
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  std::string line();                                     // throws std::runtime_error when none comes
  void tell(const std::string& order);                   // to a part, which answers with read_json()
  nlohmann::ordered_json ask(const std::string& order);  // both
  nlohmann::ordered_json read_json();

  double cpu_us() const;           // user and system time, so far
  std::uint64_t resident() const;  // bytes
  std::uint64_t peak() const;      // the most bytes that were resident so far

 private:
  std::string name_;
  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  std::string unread_;
};

std::string own_program();                          // the path of this executable
std::string program_beside(const std::string& name);  // in the same directory, else as PATH finds it
std::vector<std::string> part(std::vector<std::string> arguments);  // a command that plays a part

}  // namespace stint::bench
