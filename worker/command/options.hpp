// The command line of stint-worker.
#pragma once

#include <string>
#include <vector>

#include "stint/worker.hpp"
#include "worker/command/command_template.hpp"

namespace stint::worker {

struct CommandLine {
  WorkerOptions worker;
  std::vector<std::string> kinds;
  CommandTemplate command;
};

// --help and --version print and exit 0; a mistake is explained on standard error and exits 2.
CommandLine parse_command_line(int argc, char** argv);

}  // namespace stint::worker
