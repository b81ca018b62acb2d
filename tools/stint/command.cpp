#include "tools/stint/command.hpp"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "common/net/endpoint.hpp"
#include "tools/show/output.hpp"
#include "tools/show/text.hpp"

namespace stint::tool {
namespace {

constexpr std::string_view kJob = "JOB is a job's number, its key, or its name where only one job has it.\n";

constexpr Command kCommands[] = {
    {"submit", "--kind KIND [OPTION]... [FILE|-]", "submit a job: a task per line of FILE or standard input",
     "Prints the job's number and leaves, whether or not a worker offers KIND yet. --wait waits for its end; --results writes the\n"
     "results as they come. Without FILE, or with -, the tasks are read from standard input.\n"
     "A result that does not end in a newline gets one (with -0: a NUL).\n\n"
     "  find . -name '*.png' -print0 | stint submit --kind thumbnail -0 --wait\n"
     "  seq 1000 | stint submit --kind echo --results -k | head -3\n",
     submit},
    {"results", "JOB [OPTION]...", "write the results that a job has so far",
     "JOB is a job's number, its key, or its name where only one job has it.\n"
     "Reading a job that was submitted with --results takes it over from its reader. What has been read of such a job is gone; the\n"
     "results of any other are kept until `stint forget`, and read as often as one likes.\n",
     results},
    {"jobs", "", "list the jobs", "", jobs},
    {"job", "JOB", "show one job with all that is known of it", kJob, job},
    {"wait", "JOB...", "wait for the end of jobs", kJob, wait_for_jobs},
    {"workers", "", "list the workers", "", workers},
    {"pause", "JOB...", "hand out no more tasks of a job; what runs goes on", kJob, pause},
    {"resume", "JOB...", "go on with a paused job", kJob, resume},
    {"close", "JOB...", "say that no more tasks follow, so that a job can end", kJob, close_jobs},
    {"cancel", "JOB...", "end a job now; what runs is stopped", kJob, cancel},
    {"forget", "JOB...", "drop an ended job and its kept results", kJob, forget},
    {"retry", "JOB...", "try the failed tasks of an ended job again, in a new job; prints its number", kJob, retry},
    {"priority", "JOB NUMBER", "change a job's priority; higher goes first", kJob, priority},
    {"drain", "NAME... | --kind KIND | --count N [--kind KIND] | --all", "let workers finish what they run, and leave",
     "NAME is a worker's, as in `stint workers`. --count takes those that have least to do. What a worker has not begun goes to\n"
     "others. One that is leaving already is not chosen again; prints the names of those that now begin to.\n",
     drain},
    {"bench", "[SCENARIO]... [OPTION]...", "measure a broker, beside what ZeroMQ alone can do",
     "Scenarios (default: all): throughput, latency, loaded, fan-out, large, backlog, jobs, workers, idle, tail.\n"
     "Stint and the reference, a bare zmq_proxy, take turns. Compare ratios of one run, not figures of two.\n\n"
     "  stint bench throughput latency --rounds 3\n",
     bench},
    {"help", "[COMMAND | exit-codes]", "explain a command, or the exit codes", "", help},
};

std::string notice_text(const Notice& notice) {
  const std::string about = value(notice.job) == 0 ? "" : "job " + std::to_string(value(notice.job)) + ": ";
  return about + escaped(notice.text);
}

Exit complain(const std::exception& error, Exit code) {
  std::cerr << "stint: " << error.what() << '\n';
  return code;
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

std::optional<std::vector<std::string>> Invocation::parse(Options& options) const {
  bool wanted = false;
  options.flag("help", 'h', "this text", wanted);
  std::vector<std::string> rest = options.parse(arguments);
  if (!wanted) return rest;
  std::string text = "usage: stint " + std::string(command.name) + (command.arguments.empty() ? "" : " ") + std::string(command.arguments);
  text += "\n" + std::string(command.sentence) + "\n\n" + options.help();
  if (!command.more.empty()) text += "\n" + std::string(command.more);
  Output(STDOUT_FILENO).write(text);
  return std::nullopt;
}

Options Common::options() {
  Options options;
  options.text("broker", 'B', "ENDPOINT", "the broker (default: $STINT_BROKER, else tcp://127.0.0.1:5555)", broker);
  return options;
}

Options Common::options_and_json() {
  Options options = this->options();
  options.flag("json", 'j', "one JSON object a line", json);
  return options;
}

std::unique_ptr<Client> Common::connect(Console& console) const {
  ClientOptions options;
  const char* environment = std::getenv("STINT_BROKER");
  options.endpoint = !broker.empty() || environment == nullptr ? broker : environment;
  if (!options.endpoint.empty()) require_endpoint(options.endpoint);
  options.name = "stint-" + std::to_string(::getpid());
  options.on_notice = [&console](const Notice& notice) {
    // A job may stall and flow many times a second; ProgressPoll tells of it when it lasts.
    const bool is_passing = notice.kind == Notice::Kind::stalled || notice.kind == Notice::Kind::flowing;
    if (!is_passing) console.say(notice_text(notice));
    if (notice.kind == Notice::Kind::reconnecting) console.reconnecting(true);
    if (notice.kind == Notice::Kind::reconnected) console.reconnecting(false);
  };
  return std::make_unique<Client>(std::move(options));
}

Exit explained(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const UsageError& usage) {
    return complain(usage, Exit::usage);
  } catch (const EndpointError& endpoint) {
    return complain(endpoint, Exit::usage);
  } catch (const Unreachable& unreachable) {
    return complain(unreachable, Exit::unreachable);
  } catch (const Interrupted&) {
    return Exit::interrupted;
  } catch (const TimedOut& timeout) {
    return complain(timeout, Exit::timeout);
  } catch (const ClientError& refused) {
    return complain(refused, Exit::refused);
  } catch (const std::exception& world) {
    return complain(world, Exit::unreachable);
  }
}

std::string only(const std::vector<std::string>& arguments, std::string_view what) {
  require_some(arguments, what);
  if (arguments.size() > 1) throw UsageError("\"" + escaped(arguments[1]) + "\" is one argument too many");
  return arguments.front();
}

void require_some(const std::vector<std::string>& arguments, std::string_view what) {
  if (!arguments.empty()) return;
  throw UsageError(std::string(what) + " is missing" + (what == "JOB" ? ": which one? `stint jobs` lists them" : ""));
}

}  // namespace stint::tool
