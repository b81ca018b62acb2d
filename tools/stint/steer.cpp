// stint pause, resume, close, cancel, forget, retry, priority, drain: one request each, answered with what it was
// about.
#include <unistd.h>

#include <iostream>

#include "common/model/limits.hpp"
#include "tools/show/text.hpp"
#include "tools/show/json.hpp"
#include "tools/stint/command.hpp"

namespace stint::tool {
namespace {

// Nothing affected is no error, but a person wants to know why nothing is printed.
void tell(const Common& common, Console& console, std::string_view what, const std::vector<std::string>& affected,
          std::string_view why_none) {
  if (affected.empty()) console.say("nothing to do: " + std::string(why_none));
  if (common.json) {
    std::cout << json_line({{what, affected}});
    return;
  }
  for (const std::string& name : affected) std::cout << escaped(name) << '\n';
}

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
  for (const std::string& selector : *selectors) {
    for (std::string& job : (client.get()->*verb)(selector)) affected.push_back(std::move(job));
  }
  tell(common, console, "jobs", affected, why_none);
  return Exit::ok;
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
  tell(common, console, "jobs", common.connect(console)->set_priority(rest->front(), number), "it is so already");
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
  tell(common, console, "workers", common.connect(console)->drain(drain), "none of the workers is left to choose; see stint workers");
  return Exit::ok;
}

}  // namespace stint::tool
