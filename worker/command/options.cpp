#include "worker/command/options.hpp"

#include <algorithm>
#include <boost/algorithm/string/trim.hpp>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string_view>
#include <thread>

#include "common/model/escape.hpp"
#include "common/model/limits.hpp"
#include "common/net/endpoint.hpp"
#include "worker/command/program.hpp"
#include "worker/core/session.hpp"
#include "worker/runtime/options.hpp"

namespace po = boost::program_options;

namespace stint::worker {
namespace {

constexpr const char* kHead = R"(Usage: stint-worker --kind KIND[,KIND...] [options] -- COMMAND [ARGUMENT...]

A worker that runs a command for each task. The payload replaces every {} among the arguments, and is appended when there is
none; with --stdin it is the standard input instead. Standard output is the result; an exit status other than 0 is a failure,
with the end of standard error.

  stint-worker --kind size -- wc -c {}
  stint-worker --kind upper --stdin -- tr a-z A-Z
  stint-worker --kind lines --shell -- 'zcat {} | wc -l'

The command finds STINT_JOB, STINT_INDEX, STINT_ATTEMPT, STINT_TOKEN and STINT_KIND in its environment. When its job is cancelled
or its time is over, its process group is sent TERM, and KILL a few seconds later.

)";

po::options_description options() {
  po::options_description all = common_options(std::max(1U, std::thread::hardware_concurrency()));
  all.add_options()                                                                                               //
      ("kind", po::value<std::vector<std::string>>()->value_name("KIND[,...]"), "what tasks it takes; required")  //
      ("shell", "the command is text for /bin/sh, in which {} is the payload as one word, and so is \"$1\"")      //
      ("stdin", "the payload is the command's standard input, not an argument");
  return all;
}

std::vector<std::string> split_kinds(const std::vector<std::string>& values) {
  std::vector<std::string> kinds;
  for (const std::string& each : values) {
    std::istringstream list(each);
    for (std::string kind; std::getline(list, kind, ',');) {
      boost::trim(kind);
      if (kind.empty()) throw UsageError("--kind has an empty name in '" + each + "'");
      require_name("--kind", kind);
      kinds.push_back(kind);
    }
  }
  if (kinds.empty()) throw UsageError("--kind is empty: it says what tasks this worker takes, such as --kind thumbnail");
  if (kinds.size() > limits::kMaxKinds)
    throw UsageError("--kind takes up to " + std::to_string(limits::kMaxKinds) + " kinds");
  return kinds;
}

// A mistyped command would fail every task of its kind, so it is refused before it gets any.
void require_program(const CommandTemplate& command) {
  const auto is_blank = [](const std::string& word) { return word.find_first_not_of(" \t\n") == word.npos; };
  if (command.shell && std::all_of(command.arguments.begin(), command.arguments.end(), is_blank)) {
    throw UsageError("the line for /bin/sh behind -- is blank, so that each payload would be taken for a program");
  }
  const std::string& program = command.arguments.front();
  if (command.shell || (!command.standard_input && program.find("{}") != program.npos)) return;
  const std::string objection = objection_to(program);
  if (objection.empty()) return;
  throw UsageError("cannot run '" + program + "': " + objection + "; behind -- comes a command, or with --shell a line for /bin/sh");
}

[[noreturn]] void print_and_exit(const std::string& text) {
  std::cout << text << std::flush;
  std::exit(kExitOk);
}

std::string help() {
  std::ostringstream text;
  text << kHead << options() << kEndings;
  return std::move(text).str();
}

CommandLine parse_or_throw(int argc, char** argv, const std::string& program) {
  const auto separator = std::find(argv, argv + argc, std::string_view("--"));
  po::variables_map chosen;
  const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  const po::options_description known = options();
  const int ours = static_cast<int>(separator - argv);
  const po::parsed_options parsed = po::command_line_parser(ours, argv).options(known).style(style).run();
  for (const po::option& option : parsed.options) {
    if (option.position_key >= 0)
      throw UsageError("unexpected '" + option.value.front() + "': the command comes behind --");
  }
  po::store(parsed, chosen);
  po::notify(chosen);
  if (chosen.contains("version")) print_and_exit(version_line());
  if (chosen.contains("help")) print_and_exit(help());

  CommandLine line{read_common_options(chosen, program), {}, {}};
  if (!chosen.contains("kind")) throw UsageError("--kind is missing: it says what tasks this worker takes");
  line.kinds = split_kinds(chosen["kind"].as<std::vector<std::string>>());
  if (separator != argv + argc) line.command.arguments.assign(separator + 1, argv + argc);
  if (line.command.arguments.empty()) throw UsageError("the command is missing: write it at the end, behind --");
  line.command.shell = chosen.contains("shell");
  line.command.standard_input = chosen.contains("stdin");
  require_program(line.command);
  return line;
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  const std::string program = program_name(argc > 0 ? argv[0] : nullptr);
  try {
    return parse_or_throw(argc, argv, program);
  } catch (const std::exception& error) {
    std::cerr << program << ": " << escaped(error.what()) << "; see " << program << " --help\n";
    std::exit(kExitUsage);
  }
}

}  // namespace stint::worker
