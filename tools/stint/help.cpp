// stint help: what there is, what one command does, and how programs end.
#include <unistd.h>

#include <algorithm>

#include "tools/show/output.hpp"
#include "tools/show/text.hpp"
#include "tools/stint/command.hpp"

namespace stint::tool {
namespace {

void show_commands() {
  std::size_t width = 0;
  for (const Command& command : commands()) width = std::max(width, command.name.size());
  std::string text =
      "usage: stint COMMAND [ARGUMENT]...\n"
      "Submit jobs to a Stint broker, read their results, look and steer.\n\n";
  for (const Command& command : commands()) {
    text += "  " + std::string(command.name) + std::string(width - command.name.size() + 2, ' ') + std::string(command.sentence) + "\n";
  }
  text +=
      "\n`stint COMMAND --help` says more, `stint --version` which version this is.\n"
      "JOB is a number, a key, or a name that only one job has.\n"
      "The broker is --broker ENDPOINT, else $STINT_BROKER, else tcp://127.0.0.1:5555.\n";
  Output(STDOUT_FILENO).write(text);
}

void show_exit_codes() {
  std::string text;
  for (const ExitInfo& exit : kExitCodes) {
    const std::string number = std::to_string(static_cast<int>(exit.code));
    text += std::string(5 - number.size(), ' ') + number + "  " + std::string(exit.name) + std::string(13 - exit.name.size(), ' ') +
            std::string(exit.sentence) + "\n";
  }
  Output(STDOUT_FILENO).write(text);
}

}  // namespace

Exit help(const Invocation& call) {
  Options options;
  const auto rest = call.parse(options);
  if (!rest) return Exit::ok;
  if (rest->empty()) return show_commands(), Exit::ok;
  const std::string topic = only(*rest, "a command");
  if (topic == "exit-codes") return show_exit_codes(), Exit::ok;
  for (const Command& command : commands()) {
    if (command.name == topic) return command.run({command, {"--help"}});
  }
  throw UsageError("there is no command \"" + escaped(topic) + "\"; see `stint --help`");
}

}  // namespace stint::tool
