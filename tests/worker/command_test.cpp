// Commands as tasks, with real processes. Row 14 and 15 of what may go wrong: they fail, write too much, are killed,
// never end.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "common/model/limits.hpp"
#include "common/net/signals.hpp"
#include "worker/command/command_handler.hpp"
#include "worker/command/process.hpp"
#include "worker/runtime/task_host.hpp"

namespace stint::worker {
namespace {

constexpr int kDeadlineMs = 20'000;  // for what has to happen anyway

class Host : public TaskHost {
 public:
  void progress(double, std::string_view) override {}
  std::stop_token stop_token() override { return source.get_token(); }
  std::stop_source source;
};

Guardian& guardian() {
  static Guardian the_guardian;
  return the_guardian;
}

Ending run(const CommandTemplate& command, std::string_view payload, Host& host) {
  ignore_broken_pipes();
  Task task({.payload = payload,
             .kind = "k",
             .job_name = {},
             .context = {},
             .job = JobId{7},
             .index = 3,
             .token = LeaseId{9}},
            host);
  return run_command(command, guardian(), task);
}

Ending run(const CommandTemplate& command, std::string_view payload = "x") {
  Host host;
  return run(command, payload, host);
}

Ending shell(const std::string& text, std::string_view payload = "x") {
  return run({.arguments = {text}, .shell = true}, payload);
}

// A pipe that a command inherits: what it writes there is seen while it runs, and its end when nobody has it any more.
struct Telltale {
  Telltale() { REQUIRE(pipe(ends) == 0); }
  ~Telltale() {
    close(ends[0]);
    close_writer();
  }
  std::string fd() const { return std::to_string(ends[1]); }
  void close_writer() {
    if (ends[1] >= 0) close(ends[1]);
    ends[1] = -1;
  }
  bool is_readable() const {
    pollfd event{ends[0], POLLIN, 0};
    return poll(&event, 1, kDeadlineMs) == 1;
  }
  std::string read_line() const {
    std::string line;
    char byte = 0;
    while (is_readable() && read(ends[0], &byte, 1) == 1 && byte != '\n') line += byte;
    return line;
  }
  bool has_ended() const {
    char byte = 0;
    return is_readable() && read(ends[0], &byte, 1) == 0;
  }
  int ends[2];
};

// An executable file in a directory of its own.
struct Script {
  explicit Script(const std::string& text) {
    REQUIRE(mkdtemp(folder) != nullptr);
    path = std::string(folder) + "/script";
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  ~Script() { std::filesystem::remove_all(folder); }
  char folder[32] = "/tmp/stint-script-XXXXXX";
  std::string path;
};

TEST_CASE("where the payload goes") {
  CHECK(CommandTemplate{.arguments = {"wc", "-c"}}.build("f") == std::vector<std::string>{"wc", "-c", "f"});
  CHECK(CommandTemplate{.arguments = {"cp", "{}", "/tmp/{}.bak"}}.build("a {} b") ==
        std::vector<std::string>{"cp", "a {} b", "/tmp/a {} b.bak"});
  CHECK(CommandTemplate{.arguments = {"tr", "{}"}, .standard_input = true}.build("f") ==
        std::vector<std::string>{"tr", "{}"});
  CHECK(run({.arguments = {"printf", "%s|"}}, "two words").result == "two words|");
  CHECK(run({.arguments = {"cat"}, .standard_input = true}, std::string(3'000'000, 'x')).result.size() == 3'000'000);
  CHECK(run({.arguments = {"true"}, .standard_input = true}, std::string(3'000'000, 'x')).result.empty());
}

TEST_CASE("a shell never reads the payload as its own text") {
  const std::string evil = "\"; echo pwned; '$(echo pwned)` ";
  CHECK(shell("printf %s {}", evil).result == evil);
  CHECK(shell("printf %s", evil).result == evil);
  CHECK(shell("printf %s \"$1\" | wc -c", "abc").result == "3\n");
}

TEST_CASE("a command knows its task") {
  CHECK(shell("echo $STINT_JOB $STINT_INDEX $STINT_ATTEMPT $STINT_TOKEN $STINT_KIND #$1").result == "7 3 1 9 k\n");
}

TEST_CASE("how commands fail") {
  SUBCASE("exit status, with the end of standard error") {
    const Ending ending = shell("seq 1 10000 >&2; echo out; exit 3 #$1");
    CHECK(ending.failure == Failure::failed);
    CHECK(ending.exit == 3);
    CHECK(ending.error.starts_with("[the beginning is left out]\n9"));
    CHECK(ending.error.ends_with("9999\n10000\n"));
    CHECK(ending.error.size() <= limits::kMaxTextBytes);
    CHECK(ending.error.size() > limits::kMaxTextBytes - 5);
    CHECK(ending.result == "out\n");
  }
  SUBCASE("exit status, with standard error that is as long as it may be") {
    const std::string most(limits::kMaxTextBytes - 1, 'x');
    const std::string print = "printf %s \"$1\" >&2; ";
    CHECK(shell(print + "echo >&2; exit 3", most).error == most + "\n");
    const Ending longer = shell(print + print + "echo >&2; exit 3", most);  // one line, of which the end is kept
    CHECK(longer.error.size() == limits::kMaxTextBytes);
    CHECK(longer.error.starts_with("[the beginning is left out]\nxxx"));
    const Ending told = shell("printf %s \"$1\" >&2; printf 'the reason\\ngiving up\\n' >&2; exit 3", most);  // most of it in one line
    CHECK(told.error.size() == limits::kMaxTextBytes);
    CHECK(told.error.ends_with("xxxthe reason\ngiving up\n"));
  }
  SUBCASE("exit status, without a word") {
    const Ending ending = shell("exit 4 #$1");
    CHECK(ending.exit == 4);
    CHECK(ending.error == "nothing on standard error");
    CHECK(shell("echo ' ' >&2; exit 4 #$1").error == "nothing on standard error");
  }
  SUBCASE("a signal") {
    const Ending ending = shell("kill -SEGV $$ #$1");
    CHECK(ending.signal == SIGSEGV);
    CHECK(ending.error == strsignal(SIGSEGV));
  }
  SUBCASE("no such program") {
    const Ending ending = run({.arguments = {"no-such-program"}});
    CHECK(ending.failure == Failure::failed);
    CHECK(ending.exit == 127);
    CHECK(ending.error.find("cannot run 'no-such-program'") == 0);
  }
  SUBCASE("no such interpreter") {
    const Script script("#! /no/such/sh\r\n");
    const Ending ending = run({.arguments = {script.path}});
    CHECK(ending.exit == 127);
    CHECK(ending.error.find("cannot run '" + script.path + "': its interpreter '/no/such/sh\\r' is not there;") == 0);
  }
  SUBCASE("too much output") {
    const Ending ending = shell("yes #$1");
    CHECK(ending.failure == Failure::too_large);
    CHECK(ending.error.find("8388608") != std::string::npos);
  }
  SUBCASE("NUL in an argument") {
    const Ending ending = run({.arguments = {"echo"}}, std::string_view("a\0b", 3));
    CHECK(ending.failure == Failure::rejected);
    CHECK(ending.error.find("--stdin") != std::string::npos);
    CHECK(run({.arguments = {"cat"}, .standard_input = true}, std::string_view("a\0b", 3)).result.size() == 3);
  }
  SUBCASE("a payload too long for an argument") {
    const Ending ending = run({.arguments = {"echo"}}, std::string(1'000'000, 'x'));
    CHECK(ending.failure == Failure::rejected);
    CHECK(ending.error.find("--stdin") != std::string::npos);
  }
}

TEST_CASE("a stop reaches the whole process group") {
  Telltale tell;
  Host host;
  std::string text = "sh -c 'echo ready >&" + tell.fd() + "; exec sleep 1000' & wait #$1";
  SUBCASE("by TERM") {}
  SUBCASE("by KILL when TERM is ignored") { text = "trap '' TERM; " + text; }
  Ending ending;
  std::thread runner([&] { ending = run({.arguments = {text}, .shell = true}, "x", host); });
  CHECK(tell.read_line() == "ready");
  tell.close_writer();
  host.source.request_stop();
  runner.join();
  CHECK(ending.failure == Failure::failed);
  CHECK(ending.signal != 0);
  CHECK(tell.has_ended());
}

TEST_CASE("what a command leaves behind in its group ends with it") {
  Telltale tell;
  const Ending ending = shell("sleep 1000 & echo started #$1");
  CHECK(ending.result == "started\n");
  tell.close_writer();
  CHECK(tell.has_ended());
}

TEST_CASE("no orphans when the worker is killed with kill -9") {
  Telltale tell;
  const pid_t worker = fork();
  if (worker == 0) {
    Guardian own;
    Host host;
    Task task({.payload = "x"}, host);
    run_command({.arguments = {"echo ready >&" + tell.fd() + "; sleep 1000 & sleep 1000; : #$1"}, .shell = true}, own,
                task);
    _exit(0);
  }
  REQUIRE(worker > 0);
  CHECK(tell.read_line() == "ready");
  tell.close_writer();
  kill(worker, SIGKILL);
  waitpid(worker, nullptr, 0);
  CHECK(tell.has_ended());
}

}  // namespace
}  // namespace stint::worker
