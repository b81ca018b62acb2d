// stint jobs, job, workers: what the broker knows, as a table or with --json in full.
#include <unistd.h>

#include "tools/show/json.hpp"
#include "tools/show/output.hpp"
#include "tools/show/table.hpp"
#include "tools/stint/command.hpp"

namespace stint::tool {
namespace {

std::string as_json(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) text += json_line(to_json(row));
  return text;
}

struct Listing {
  std::string_view what;
  std::string_view none;  // said when there is nothing to list
  std::string_view one;   // the command for one of them, if there is any
  std::vector<std::string_view> first;
  std::vector<std::string_view> hidden;
};

Exit list(const Invocation& call, const Listing& listing) {
  Common common;
  Options options = common.options_and_json();
  const auto rest = call.parse(options);
  if (!rest) return Exit::ok;
  if (!rest->empty()) {
    throw UsageError("`stint " + std::string(call.command.name) + "` takes no arguments" + std::string(listing.one));
  }
  Console console(STDERR_FILENO);
  const std::vector<Row> rows = common.connect(console)->query(listing.what);
  Output output(STDOUT_FILENO);
  if (common.json) {
    output.write(as_json(rows));
  } else if (rows.empty()) {
    console.add(listing.none);
  } else {
    output.write(table(rows, listing.first, listing.hidden));
  }
  return Exit::ok;
}

}  // namespace

Exit jobs(const Invocation& call) {
  return list(call,
              {.what = "jobs",
               .none = "no jobs; submit one: seq 10 | stint submit --kind KIND",
               .one = "; for one job: stint job JOB",
               .first = {"job", "name", "kind", "state", "total", "done", "left", "running", "delayed", "failed",
                         "cancelled", "redone", "workers", "priority", "reason"},
               .hidden = {"key", "queued", "losses", "results", "order", "unread", "readers", "fetching", "writer", "max_attempts",
                          "max_losses", "time_limit_ms", "digest", "outcomes_digest", "stalled", "parent", "dead_letters"}});
}

Exit workers(const Invocation& call) {
  return list(call, {.what = "workers",
                     .none = "no workers; start one: stint-worker --kind KIND -- COMMAND {}",
                     .one = "",
                     .first = {"worker", "kinds", "slots"},
                     .hidden = {"incarnation", "silent_ms"}});
}

Exit job(const Invocation& call) {
  Common common;
  Options options = common.options_and_json();
  const auto rest = call.parse(options);
  if (!rest) return Exit::ok;
  const std::string selector = only(*rest, "JOB");
  Console console(STDERR_FILENO);
  const std::vector<Row> rows = common.connect(console)->query("job", selector);
  Output output(STDOUT_FILENO);
  if (common.json) return output.write(as_json(rows)), Exit::ok;
  for (const Row& row : rows) output.write(lines(row));
  return Exit::ok;
}

}  // namespace stint::tool
