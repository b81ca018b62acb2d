// stint wait: until the jobs named have ended.
#include <unistd.h>

#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "tools/show/json.hpp"
#include "tools/show/outcome.hpp"
#include "tools/stint/command.hpp"
#include "tools/stint/crew.hpp"
#include "tools/stint/ending.hpp"

namespace stint::tool {
namespace {

Crew::News wait_for_all(Crew& crew, Client& client, Console& console, std::vector<Job>& jobs, TimePoint deadline) {
  std::vector<JobId> ids;
  for (const Job& job : jobs) ids.push_back(job.id());
  crew.show_progress(client, console, std::move(ids));
  crew.start([&jobs] {
    for (Job& job : jobs) job.wait();
  });
  return crew.wait(deadline);
}

}  // namespace

Exit wait_for_jobs(const Invocation& call) {
  Common common;
  Duration timeout{};
  bool quiet = false;
  Options options = common.options_and_json();
  options.seconds("timeout", 't', "SECONDS", "wait no longer than this", timeout);
  options.flag("quiet", 'q', "no bar and no summary", quiet);
  const auto selectors = call.parse(options);
  if (!selectors) return Exit::ok;
  require_some(*selectors, "JOB");

  Console console(STDERR_FILENO);
  if (quiet) console.be_quiet();
  auto client = common.connect(console);
  std::vector<Job> jobs;
  for (const std::string& selector : *selectors) jobs.push_back(client->attach(selector));
  Crew crew;
  const TimePoint deadline = timeout == Duration::zero() ? TimePoint::max() : now() + timeout;
  switch (wait_for_all(crew, *client, console, jobs, deadline)) {
    case Crew::News::failed:
      console.clear();
      leave(explained(crew.failure()), crew, console, client);
    case Crew::News::interrupted:
      console.say("interrupted; the jobs go on");
      leave(Exit::interrupted, crew, console, client);
    case Crew::News::deadline:
      console.say("not all jobs have ended in time; they go on");
      leave(Exit::timeout, crew, console, client);
    case Crew::News::all_done:
      crew.end_progress();
  }
  Exit code = Exit::ok;
  for (const Job& job : jobs) {
    const Row row = row_of(*client, job.id());
    code = worse(code, exit_of(row));
    if (common.json) Output(STDOUT_FILENO).write(json_line(to_json(row)));
    if (!quiet) summarize(console, row, std::nullopt, nullptr);
  }
  return code;
}

}  // namespace stint::tool
