#include "broker/shell/options.hpp"

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <string_view>
#include <vector>

#include "common/model/escape.hpp"
#include "common/net/endpoint.hpp"

namespace stint::broker {
namespace {

namespace po = boost::program_options;
using std::chrono::milliseconds;

struct TextOption {
  const char* name;
  const char* shown;  // what stands behind the name in --help
  std::string ShellOptions::*field;
  const char* sentence;
};

struct SwitchOption {
  const char* name;
  bool ShellOptions::*field;
  const char* sentence;
};

struct NumberOption {
  const char* name;
  std::uint64_t least;
  std::uint64_t most;
  std::uint64_t (*get)(const ShellOptions&);
  void (*set)(ShellOptions&, std::uint64_t);
  const char* sentence;
};

constexpr std::array kTexts{
    TextOption{"listen", "ADDRESS", &ShellOptions::listen,
               "where workers and clients connect: tcp://host:port (* is any), ipc://path"},
    TextOption{"events", "ADDRESS", &ShellOptions::events, "where watchers such as zmq-sub connect"},
    TextOption{"data", "DIRECTORY", &ShellOptions::data,
               "where jobs are kept; one broker at a time; [the user's state directory: ~/.local/state/stint]"},
    TextOption{"check", "DIRECTORY", &ShellOptions::check,
               "say what is in a directory of jobs and whether all of it is sound, change nothing, and leave"},
    TextOption{"record", "FILE", &ShellOptions::record,
               "write all that the core is told into a new file, for a bug report; payloads as size and checksum only"},
    TextOption{"log-level", "LEVEL", &ShellOptions::log_level,
               "least serious log lines shown: debug, info, warning, error, off"},
};

constexpr std::array kSwitches{
    SwitchOption{
        "memory", &ShellOptions::memory,
        "keep jobs in memory only, and nothing on disk: they survive worker crashes, not the end of the broker"},
    SwitchOption{"insecure-public", &ShellOptions::insecure_public,
                 "listen where other machines can connect; whoever reaches the port may submit, cancel and work"},
};

std::uint64_t count_ms(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(duration).count());
}
Duration from_ms(std::uint64_t number) { return milliseconds(number); }

using O = ShellOptions;
using N = std::uint64_t;
constexpr N kHourMs = 3'600'000;
constexpr N kTiB = limits::kMiB * limits::kMiB;

const std::array kNumbers{
    NumberOption{"heartbeat-ms", 10, kHourMs, [](const O& o) { return count_ms(o.core.heartbeat); },
                 [](O& o, N n) { o.core.heartbeat = from_ms(n); },
                 "shortest interval between heartbeats; it grows by a millisecond a peer"},
    NumberOption{"liveness", 2, 1'000, [](const O& o) { return static_cast<N>(o.core.liveness); },
                 [](O& o, N n) { o.core.liveness = static_cast<int>(n); },
                 "intervals of silence after which a peer is gone and its tasks go to others"},
    NumberOption{"writer-grace-ms", 10, 24 * kHourMs, [](const O& o) { return count_ms(o.core.writer_grace); },
                 [](O& o, N n) { o.core.writer_grace = from_ms(n); }, "silence after which a job's submitter is gone"},
    NumberOption{"backlog-bytes", limits::kMaxPayloadBytes, kTiB, [](const O& o) { return o.core.backlog_bytes; },
                 [](O& o, N n) { o.core.backlog_bytes = n; },
                 "payloads queued in memory, all jobs together; then submitters wait"},
    NumberOption{"keep-bytes", limits::kMaxPayloadBytes, kTiB, [](const O& o) { return o.core.keep_bytes; },
                 [](O& o, N n) { o.core.keep_bytes = n; },
                 "results kept for `stint results`, all jobs together; beyond, with --memory jobs wait, saying so, and else the "
                 "oldest ended jobs are forgotten; without --memory there is no limit unless you give one"},
    NumberOption{"keep-jobs", 1, limits::kMaxJobs, [](const O& o) { return static_cast<N>(o.core.kept_jobs); },
                 [](O& o, N n) { o.core.kept_jobs = static_cast<std::uint32_t>(n); },
                 "ended jobs remembered; the oldest are forgotten first"},
    NumberOption{"reserve-bytes", 0, kTiB, [](const O& o) { return o.reserve_bytes; }, [](O& o, N n) { o.reserve_bytes = n; },
                 "disk space kept beside the jobs: when no more than that is free, no new tasks are taken in, and what runs can "
                 "finish; 0 for none, then a full disk ends the broker"},
    NumberOption{"record-bytes", limits::kMiB, kTiB, [](const O& o) { return o.record_bytes; },
                 [](O& o, N n) { o.record_bytes = n; },
                 "size at which a recording ends, while the broker goes on; the log says so"},
    NumberOption{"handshake-ms", 10, kHourMs, [](const O& o) { return count_ms(o.handshake); },
                 [](O& o, N n) { o.handshake = from_ms(n); },
                 "a connection that has not said by then that it speaks ZeroMQ is closed"},
};

std::string bounds(const NumberOption& option) {
  return "a whole number from " + std::to_string(option.least) + " to " + std::to_string(option.most);
}

std::uint64_t parse_number(const NumberOption& option, const std::string& text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end || number < option.least || number > option.most) {
    throw UsageError("--" + std::string(option.name) + " takes " + bounds(option) + ", not '" + escaped(text) + "'");
  }
  return number;
}

po::options_description described() {
  po::options_description all("Options", 110, 60);
  const ShellOptions defaults;
  for (const TextOption& option : kTexts) {
    std::string sentence = option.sentence;
    if (!(defaults.*option.field).empty()) sentence += " [" + defaults.*option.field + "]";
    all.add_options()(option.name, po::value<std::string>()->value_name(option.shown), sentence.c_str());
  }
  for (const SwitchOption& option : kSwitches) all.add_options()(option.name, option.sentence);
  for (const NumberOption& option : kNumbers) {
    const std::string sentence = std::string(option.sentence) + " [" + std::to_string(option.get(defaults)) + "]";
    all.add_options()(option.name, po::value<std::string>()->value_name("N"), sentence.c_str());
  }
  all.add_options()("help,h", "show this and leave")("version", "show the version and leave");
  return all;
}

po::variables_map read(int argc, const char* const* argv) {
  try {
    const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::variables_map given;
    const po::options_description known = described();
    const po::parsed_options parsed = po::command_line_parser(argc, argv).options(known).style(style).run();
    for (const po::option& option : parsed.options) {
      if (option.position_key >= 0) throw UsageError("unexpected '" + escaped(option.value.front()) + "': there are only options");
    }
    po::store(parsed, given);
    return given;
  } catch (const po::error& error) {
    throw UsageError(escaped(error.what()));
  }
}

void require_level(const std::string& level) {
  static constexpr std::array<std::string_view, 5> kLevels{"debug", "info", "warning", "error", "off"};
  if (std::find(kLevels.begin(), kLevels.end(), level) == kLevels.end()) {
    throw UsageError("--log-level takes debug, info, warning, error or off, not '" + escaped(level) + "'");
  }
}

void require_address(const char* name, const std::string& address) {
  try {
    require_endpoint(address);
  } catch (const EndpointError& error) {
    throw UsageError("--" + std::string(name) + ": " + error.what());
  }
}

void require_private(const char* name, const std::string& address) {
  if (is_local(address)) return;
  throw UsageError(
      "--" + std::string(name) + " " + escaped(address) +
      " would let every machine that reaches it submit jobs, cancel them and take tasks, because there are no keys. "
      "Listen on 127.0.0.1 or ipc:// (and use ssh -L from elsewhere), or add --insecure-public on a network that you "
      "trust");
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  const po::variables_map given = read(argc, argv);
  CommandLine line;
  line.help = given.count("help") > 0;
  line.version = given.count("version") > 0;
  for (const TextOption& option : kTexts) {
    if (given.count(option.name) == 0) continue;
    line.options.*option.field = given[option.name].as<std::string>();
    if ((line.options.*option.field).empty()) {
      throw UsageError("--" + std::string(option.name) + " is empty: write --" + option.name + " " + option.shown + ", or leave it out");
    }
  }
  for (const SwitchOption& option : kSwitches) line.options.*option.field = given.count(option.name) > 0;
  for (const NumberOption& option : kNumbers) {
    if (given.count(option.name) > 0)
      option.set(line.options, parse_number(option, given[option.name].as<std::string>()));
  }
  if (!line.options.memory && given.count("keep-bytes") == 0) line.options.core.keep_bytes = std::numeric_limits<N>::max();
  if (!line.help && !line.version) require_sound(line.options);
  return line;
}

void require_sound(const ShellOptions& options) {
  require_level(options.log_level);
  if (options.memory && !options.data.empty()) {
    throw UsageError("--memory keeps nothing on disk, so it does not go with --data " + escaped(options.data) + ": give one of them");
  }
  require_address("listen", options.listen);
  require_address("events", options.events);
  if (options.listen == options.events && !options.listen.ends_with(":*")) {
    throw UsageError("--listen and --events are both " + escaped(options.listen) +
                     ": workers and clients need one address, watchers another");
  }
  if (options.insecure_public) return;
  require_private("listen", options.listen);
  require_private("events", options.events);
}

std::string default_directory() {
  const auto from_environment = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (std::string given = from_environment("STATE_DIRECTORY"); !given.empty()) return given.substr(0, given.find(':'));
  if (std::string state = from_environment("XDG_STATE_HOME"); !state.empty()) return state + "/stint";
  if (std::string home = from_environment("HOME"); !home.empty()) return home + "/.local/state/stint";
  throw UsageError("there is no HOME to keep jobs in: say where with --data DIRECTORY, or keep them in memory only with --memory");
}

std::string help_text() {
  std::ostringstream text;
  text << "stint-broker hands out tasks of jobs to workers and their results to clients. It needs no configuration.\n\n"
          "Usage: stint-broker [options]\n\n"
       << described()
       << "\nWhen it serves, it prints one line on standard output: stint-broker ready listen=... events=...\n"
          "The log is on standard error. SIGTERM or SIGINT ends it cleanly, a second one at once.\n\n"
          "Exit codes: 0 ended as asked, 1 could not serve, or --check found something wrong (port in use, no permission, directory in use), 2 bad option,\n"
          "70 a promise of its own is broken: it ends rather than tell a wrong number, and says what to report,\n"
          "74 the disk failed while serving, 143 or 130 ended at once by a second SIGTERM or SIGINT.\n";
  return text.str();
}

}  // namespace stint::broker
