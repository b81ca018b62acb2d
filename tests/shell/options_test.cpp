#include "broker/shell/options.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

namespace stint::broker {
namespace {

CommandLine parse(std::initializer_list<const char*> words) {
  std::vector<const char*> line{"stint-broker"};
  line.insert(line.end(), words);
  return parse_command_line(static_cast<int>(line.size()), line.data());
}

std::string refusal(std::initializer_list<const char*> words) {
  try {
    parse(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

bool names(const std::string& text, const std::string& word) { return text.find(word) != std::string::npos; }

TEST_CASE("without options everything has its default") {
  const ShellOptions options = parse({}).options;
  CHECK(options.listen == "tcp://127.0.0.1:5555");
  CHECK(options.events == "tcp://127.0.0.1:5556");
  CHECK(options.core.heartbeat == limits::kHeartbeat);
  CHECK(options.core.keep_bytes == std::numeric_limits<std::uint64_t>::max());
  CHECK(parse({"--memory"}).options.core.keep_bytes == limits::kDefaultKeepBytes);
  CHECK(options.data.empty());
}

TEST_CASE("every option reaches its place") {
  const ShellOptions options = parse({"--memory",          "--listen", "tcp://[::1]:*",   "--events=ipc:///tmp/events",
                                      "--heartbeat-ms",    "100",      "--liveness",      "4",
                                      "--writer-grace-ms", "500",      "--backlog-bytes", "10000000",
                                      "--keep-bytes",      "20000000", "--keep-jobs",     "7",
                                      "--log-level",       "error",    "--handshake-ms",  "300"})
                                   .options;
  CHECK(options.memory);
  CHECK(options.listen == "tcp://[::1]:*");
  CHECK(options.events == "ipc:///tmp/events");
  CHECK(options.core.heartbeat == 100ms);
  CHECK(options.core.liveness == 4);
  CHECK(options.core.writer_grace == 500ms);
  CHECK(options.core.backlog_bytes == 10'000'000);
  CHECK(options.core.keep_bytes == 20'000'000);
  CHECK(options.core.kept_jobs == 7);
  CHECK(options.log_level == "error");
  CHECK(options.handshake == 300ms);
}

TEST_CASE("what is kept in memory only has no directory") {
  CHECK(parse({"--data", "/var/lib/stint"}).options.data == "/var/lib/stint");
  CHECK(names(refusal({"--memory", "--data", "/var/lib/stint"}), "--data /var/lib/stint: give one of them"));
}

TEST_CASE("a number out of bounds is refused with its bounds") {
  CHECK(names(refusal({"--heartbeat-ms", "9"}), "from 10 to 3600000, not '9'"));
  CHECK(names(refusal({"--liveness", "1"}), "--liveness"));
  CHECK(names(refusal({"--keep-jobs", "1x"}), "'1x'"));
  CHECK(names(refusal({"--keep-jobs", ""}), "--keep-jobs"));
}

TEST_CASE("abbreviations and stray words are refused") {
  CHECK_FALSE(refusal({"--heart", "100"}).empty());
  CHECK(names(refusal({"broker"}), "'broker'"));
}

TEST_CASE("an option that is given has a value") {
  CHECK(names(refusal({"--data", ""}), "--data is empty"));
}

TEST_CASE("two sockets need two addresses") {
  CHECK(names(refusal({"--listen", "tcp://127.0.0.1:5556"}), "both tcp://127.0.0.1:5556"));
  CHECK(refusal({"--listen", "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*"}).empty());
}

TEST_CASE("a public address needs consent") {
  CHECK(names(refusal({"--listen", "tcp://*:5555"}), "--insecure-public"));
  CHECK(names(refusal({"--events", "tcp://0.0.0.0:5556"}), "--insecure-public"));
  CHECK(refusal({"--listen", "tcp://*:5555", "--insecure-public"}).empty());
}

TEST_CASE("asking for help overlooks the rest") {
  CHECK(parse({"--help", "--listen", "tcp://*:1"}).help);
  CHECK(names(help_text(), "--writer-grace-ms"));
}

}  // namespace
}  // namespace stint::broker
