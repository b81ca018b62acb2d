// stint: the command line of people and their scripts. Finds the command and runs it.
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>

#include "common/net/signals.hpp"
#include "common/system/standard_streams.hpp"
#include "tools/show/output.hpp"
#include "tools/show/text.hpp"
#include "tools/stint/command.hpp"

namespace stint::tool {
namespace {

Exit dispatch(std::vector<std::string> arguments) {
  if (arguments.empty()) {
    std::cerr << "stint: a command is missing; see `stint --help`\n";
    return Exit::usage;
  }
  std::string name = arguments.front();
  if (name == "--help" || name == "-h") name = "help";
  if (name == "--version") {
    Output(STDOUT_FILENO).write("stint " STINT_VERSION "\n");
    return Exit::ok;
  }
  if (name.starts_with('-')) throw UsageError("options come behind the command: stint COMMAND " + escaped(name) + "; see `stint --help`");
  const auto all = commands();
  const auto command = std::find_if(all.begin(), all.end(), [&](const Command& c) { return c.name == name; });
  if (command == all.end()) throw UsageError("there is no command \"" + escaped(name) + "\"; see `stint --help`");
  arguments.erase(arguments.begin());
  return command->run({*command, std::move(arguments)});
}

Exit run(std::vector<std::string> arguments) {
  hold_standard_streams();
  try {
    ignore_broken_pipes();
    return dispatch(std::move(arguments));
  } catch (...) {
    return explained(std::current_exception());
  }
}

}  // namespace
}  // namespace stint::tool

int main(int argc, char** argv) { return static_cast<int>(stint::tool::run({argv + 1, argv + argc})); }
