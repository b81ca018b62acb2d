// stint pause, resume, close, cancel, forget, retry, priority, drain: one request each, answered with what it was
// about.
#include <unistd.h>

#include "common/model/limits.hpp"
#include "tools/show/json.hpp"
#include "tools/show/output.hpp"
#include "tools/show/text.hpp"
#include "tools/stint/command.hpp"

namespace stint::tool {
namespace {

void tell(const Common& common, std::string_view what, const std::vector<std::string>& affected) {
  std::string text;
  for (const std::string& name : affected) text += escaped(name) + "\n";
  Output(STDOUT_FILENO).write(common.json ? json_line({{what, affected}}) : text);
}

// Nothing affected is no error, but a person wants to know why nothing is printed.
void say_why_none(Console& console, std::string_view why) { console.say("nothing to do: " + std::string(why)); }

using Steer = std::vector<std::string> (Client::*)(std::string_view);

Exit steer(const Invocation& call, Steer verb, std::string_view why_none = "it is so already") {
  Common common;
  Options options = common.options_and_json();
  const auto selectors = call.parse(options);
  if (!selectors) return Exit::ok;
  require_some(*selectors, "JOB");
  Console console(STDERR_FILENO);
  const auto client = common.connect(console);
  std::vector<std::string> affected;
  Exit code = Exit::ok;
  for (const std::string& selector : *selectors) {
    try {
      for (std::string& job : (client.get()->*verb)(selector)) affected.push_back(std::move(job));
    } catch (const Refused& refused) {  // the others may go well, and are not forgotten for it
      console.say(refused.what());
      code = Exit::refused;
    }
  }
  if (affected.empty() && code == Exit::ok) say_why_none(console, why_none);
  tell(common, "jobs", affected);
  return code;
}

void require_one_way(const DrainOptions& drain) {
  const bool chosen = !drain.workers.empty() || !drain.kind.empty() || drain.count > 0 || drain.all;
  if (!chosen) throw UsageError("which workers? Name them, or say --kind KIND, --count N or --all");
  if (drain.all && (!drain.workers.empty() || !drain.kind.empty() || drain.count > 0)) {
    throw UsageError("--all goes with neither names nor --kind nor --count");
  }
  if (!drain.workers.empty() && (!drain.kind.empty() || drain.count > 0)) {
    throw UsageError("names go with neither --kind nor --count");
  }
}

}  // namespace

Exit pause(const Invocation& call) { return steer(call, &Client::pause, "paused already"); }
Exit resume(const Invocation& call) { return steer(call, &Client::resume, "not paused"); }
Exit close_jobs(const Invocation& call) { return steer(call, &Client::close, "closed already"); }
Exit cancel(const Invocation& call) { return steer(call, &Client::cancel); }
Exit forget(const Invocation& call) { return steer(call, &Client::forget); }
Exit retry(const Invocation& call) { return steer(call, &Client::retry); }

Exit priority(const Invocation& call) {
  Common common;
  Options options = common.options_and_json();
  const auto rest = call.parse(options);
  if (!rest) return Exit::ok;
  if (rest->size() != 2) throw UsageError("a job and a number are wanted: stint priority JOB NUMBER; higher goes first, jobs begin at 0");
  const auto number = static_cast<std::int32_t>(to_number("NUMBER", (*rest)[1], INT32_MIN, INT32_MAX));
  Console console(STDERR_FILENO);
  tell(common, "jobs", common.connect(console)->set_priority(rest->front(), number));
  return Exit::ok;
}

Exit drain(const Invocation& call) {
  Common common;
  DrainOptions drain;
  std::int64_t count = 0;
  Duration deadline{};
  Options options = common.options_and_json();
  options.text("kind", 'K', "KIND", "workers that offer it", drain.kind);
  options.number("count", 'n', "N", "so many workers (of those that offer --kind)", 1, limits::kMaxPeers, count);
  options.flag("all", 'a', "every worker", drain.all);
  options.seconds("timeout", 't', "SECONDS", "then stop what still runs; other workers run it again (default: never)",
                  deadline);
  const auto names = call.parse(options);
  if (!names) return Exit::ok;
  drain.workers = *names;
  drain.count = static_cast<std::uint64_t>(count);
  drain.deadline = std::chrono::ceil<std::chrono::milliseconds>(deadline);
  require_one_way(drain);
  Console console(STDERR_FILENO);
  const std::vector<std::string> affected = common.connect(console)->drain(drain);
  if (affected.empty()) say_why_none(console, "no worker fits, or all that do are leaving already; see `stint workers`");
  tell(common, "workers", affected);
  return Exit::ok;
}

}  // namespace stint::tool
