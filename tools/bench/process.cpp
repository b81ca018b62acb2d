#include "tools/bench/process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "common/net/clock.hpp"
#include "common/net/wait.hpp"

namespace stint::bench {
namespace {

constexpr std::chrono::minutes kPatience(3);  // for one line of a part; the longest scenario takes far less

struct Pipe {
  int read = -1;
  int write = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
  return {ends[0], ends[1]};
}

// Runs in the new process. It ends with us, however we do: nobody else would end it.
[[noreturn]] void become(char* const* arguments, int in, int out, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::execvp(arguments[0], arguments);
  ::dprintf(STDERR_FILENO, "cannot start %s: %s\n", arguments[0], std::strerror(errno));
  ::_exit(127);
}

pid_t spawn(const std::vector<std::string>& command, int in, int out) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(arguments.data(), in, out, parent);
  if (pid < 0) throw std::runtime_error("cannot start " + command.front() + ": " + std::strerror(errno));
  return pid;
}

}  // namespace

Process::Process(const std::vector<std::string>& command) : name_(std::filesystem::path(command.front()).filename()) {
  const Pipe in = make_pipe();
  const Pipe out = make_pipe();
  pid_ = spawn(command, in.read, out.write);
  ::close(in.read);
  ::close(out.write);
  in_ = in.write;
  out_ = out.read;
  if (command.size() > 3) name_ += " " + command[1] + " " + command[2] + " " + command[3];
}

Process::~Process() {
  ::close(in_);
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  ::close(out_);
}

std::string Process::line() {
  const TimePoint deadline = now() + kPatience;
  for (;;) {
    if (const auto end = unread_.find('\n'); end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    if (!wait({out_}, deadline)) throw std::runtime_error(name_ + " gives no answer");
    std::array<char, 65536> bytes{};
    const ssize_t count = ::read(out_, bytes.data(), bytes.size());
    if (count <= 0) throw std::runtime_error(name_ + " has ended before its time; what it said stands above");
    unread_.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

nlohmann::ordered_json Process::read_json() { return nlohmann::ordered_json::parse(line()); }

void Process::tell(const std::string& order) {
  const std::string text = order + "\n";
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(in_, text.data() + done, text.size() - done);
    if (count <= 0) throw std::runtime_error(name_ + " takes no orders");
    done += static_cast<std::size_t>(count);
  }
}

nlohmann::ordered_json Process::ask(const std::string& order) {
  tell(order);
  return read_json();
}

double Process::cpu_us() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // up to the 13th field of proc(5)
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> user >> system;
  return static_cast<double>(user + system) * 1e6 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t Process::resident() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::uint64_t total = 0;
  std::uint64_t pages = 0;
  file >> total >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t Process::peak() const {
  constexpr std::string_view kField = "VmHWM:";
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  std::uint64_t kibibytes = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kField)) kibibytes = std::stoull(line.substr(kField.size()));
  }
  return kibibytes * 1024;
}

std::string own_program() { return std::filesystem::read_symlink("/proc/self/exe"); }

std::string program_beside(const std::string& name) {
  const std::filesystem::path beside = std::filesystem::path(own_program()).parent_path() / name;
  return std::filesystem::exists(beside) ? beside.string() : name;
}

std::vector<std::string> part(std::vector<std::string> arguments) {
  std::vector<std::string> command{own_program(), "bench", "part"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace stint::bench
