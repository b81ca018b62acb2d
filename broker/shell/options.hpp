// The options of stint-broker: one table is the source of parsing, of the bounds, and of --help.
//
//   const CommandLine line = parse_command_line(argc, argv);
//
// Errors are UsageErrors, which main() answers with exit code 2.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "broker/core/options.hpp"

namespace stint::broker {

struct ShellOptions {
  std::string listen = "tcp://127.0.0.1:5555";  // where workers and clients connect
  std::string events = "tcp://127.0.0.1:5556";  // where watchers connect
  std::string data;                             // the directory that jobs are kept in; empty: default_directory()
  std::uint64_t reserve_bytes = limits::kStoreReserveBytes;  // disk space kept there for finishing what runs; 0 = none
  std::string check;                            // a directory to look through instead of serving
  bool memory = false;                          // jobs live in memory only
  bool insecure_public = false;                 // other machines may connect although there are no keys
  std::string log_level = "info";
  std::string record;                          // where what the core is told is recorded; empty: nowhere
  std::uint64_t record_bytes = limits::kRecordBytes;
  Duration handshake = limits::kHandshake;
  Options core;  // store id, epoch and randomness are main()'s to fill in
};

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct CommandLine {
  ShellOptions options;
  bool help = false;
  bool version = false;
};

// Throws UsageError: a message that names the option and what it takes.
CommandLine parse_command_line(int argc, const char* const* argv);

// Refuses options that do not fit together, also when they did not come from a command line. Throws UsageError.
void require_sound(const ShellOptions& options);

std::string help_text();

// Where jobs are kept unless an option says otherwise: systemd's STATE_DIRECTORY, else stint in the user's state directory (XDG).
// Throws UsageError when the environment names neither.
std::string default_directory();

}  // namespace stint::broker
