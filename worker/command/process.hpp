// One command from its start to its end, with what it reads and writes.
//
//   const Start start{.arguments = {"wc", "-c"}, .input = payload, .output_limit = 8 * kMiB, .error_limit = 4 * kKiB};
//   const Finished finished = run_process(start, seat, token);
//
// The command leads a process group of its own. A stop, and output beyond the limit, end the group: TERM first, KILL
// after a grace. What the command leaves behind in its group is killed when it has ended. Blocks the calling thread;
// any number may do so at once.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "worker/command/guardian.hpp"

namespace stint::worker {

struct Start {
  std::vector<std::string> arguments;    // the first is looked up in PATH
  std::vector<std::string> environment;  // NAME=VALUE, added to ours
  std::string_view input{};              // on its standard input
  std::uint64_t output_limit = 0;        // bytes of standard output
  std::uint64_t error_limit = 0;         // the end of standard error that is kept, with a line that says so; above 100
};

struct Finished {
  int start_error = 0;  // errno; not 0: it was never started
  int exit = 0;
  int signal = 0;  // not 0: it was ended by it
  bool too_much = false;
  std::string output{};
  std::string error{};
};

// Throws std::system_error when the system has no pipes left.
Finished run_process(const Start& start, Guardian::Seat& seat, const std::stop_token& token);

}  // namespace stint::worker
