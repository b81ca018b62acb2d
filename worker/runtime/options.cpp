#include "worker/runtime/options.hpp"

#include <charconv>
#include <cstdlib>
#include <iostream>

#include "common/model/escape.hpp"
#include "common/model/limits.hpp"
#include "common/model/utf8.hpp"
#include "common/net/endpoint.hpp"
#include "worker/core/session.hpp"

namespace po = boost::program_options;

namespace stint::worker {
namespace {

unsigned parse_slots(const std::string& text) {
  unsigned slots = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, slots);
  if (error != std::errc() || at != end || slots < 1 || slots > limits::kMaxSlots) {
    throw UsageError("--slots takes a whole number from 1 to " + std::to_string(limits::kMaxSlots) + ", not '" + text + "'");
  }
  return slots;
}

}  // namespace

void require_name(const std::string& option, const std::string& name) {
  if (name.size() > limits::kMaxNameBytes) {
    throw UsageError(option + " takes up to " + std::to_string(limits::kMaxNameBytes) + " bytes, not " + std::to_string(name.size()));
  }
  if (!is_utf8(name)) throw UsageError(option + " takes text in UTF-8, not '" + name + "'");
}

po::options_description common_options(unsigned default_slots) {
  const std::string slots = "tasks run at the same time, each in a thread; 1 to " + std::to_string(limits::kMaxSlots) +
                            ", default " + std::to_string(default_slots);
  po::options_description options("Options");
  options.add_options()  //
      ("broker", po::value<std::string>()->value_name("ENDPOINT"),
       "where the broker listens; default $STINT_BROKER, else tcp://127.0.0.1:5555")                       //
      ("slots", po::value<std::string>()->default_value(std::to_string(default_slots), "")->value_name("N"), slots.c_str())  //
      ("name", po::value<std::string>()->value_name("NAME"),
       "what listings call this worker; the broker makes one up")                                                     //
      ("try", po::value<std::string>()->value_name("PAYLOAD"), "run one task without a broker and print its result")  //
      ("try-kind", po::value<std::string>()->value_name("KIND"), "with the handler of this kind; default the first")  //
      ("help,h", "print this and exit")                                                                                 //
      ("version", "print the version and exit");
  return options;
}

WorkerOptions read_common_options(const po::variables_map& chosen, const std::string& program) {
  const auto text = [&](const char* name) {
    return chosen.contains(name) ? chosen[name].as<std::string>() : std::string();
  };
  WorkerOptions options;
  options.program = program;
  options.broker = text("broker");
  if (!options.broker.empty()) require_endpoint(options.broker);
  options.name = text("name");
  require_name("--name", options.name);
  options.slots = parse_slots(text("slots"));
  if (chosen.contains("try")) options.try_payload = text("try");
  options.try_kind = text("try-kind");
  return options;
}

std::string program_name(const char* argument) {
  const std::string path = argument == nullptr ? "worker" : argument;
  return path.substr(path.rfind('/') + 1);
}

std::string version_line() { return "stint " STINT_VERSION "\n"; }

namespace {

[[noreturn]] void print_and_exit(const std::string& text) {
  std::cout << text << std::flush;
  std::exit(kExitOk);
}

WorkerOptions parse_or_throw(int argc, char** argv, const std::string& program) {
  const po::options_description options = common_options(1);
  po::variables_map chosen;
  // No option may be abbreviated: a later one could make a script's abbreviation mean something else.
  const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  const po::parsed_options parsed = po::command_line_parser(argc, argv).options(options).style(style).run();
  for (const po::option& option : parsed.options) {
    if (option.position_key >= 0) throw UsageError("unexpected '" + option.value.front() + "': there are only options");
  }
  po::store(parsed, chosen);
  po::notify(chosen);
  if (chosen.contains("version")) print_and_exit(version_line());
  if (chosen.contains("help")) {
    std::ostringstream text;
    text << "Usage: " << program << " [options]\n\nA Stint worker: runs tasks for a broker.\n\n" << options << kEndings;
    print_and_exit(std::move(text).str());
  }
  return read_common_options(chosen, program);
}

}  // namespace
}  // namespace stint::worker

namespace stint {

WorkerOptions WorkerOptions::parse(int argc, char** argv) {
  const std::string program = worker::program_name(argc > 0 ? argv[0] : nullptr);
  try {
    return worker::parse_or_throw(argc, argv, program);
  } catch (const std::exception& error) {
    std::cerr << program << ": " << escaped(error.what()) << "; see " << program << " --help\n";
    std::exit(worker::kExitUsage);
  }
}

}  // namespace stint
