#include "tools/stint/ending.hpp"

#include "tools/show/text.hpp"
#include "tools/show/outcome.hpp"

namespace stint::tool {
namespace {

std::string heading(const Row& row) {
  const std::string name = row.text("name");
  return "job " + std::to_string(row.number("job")) + (name.empty() ? "" : " " + escaped(name));
}

}  // namespace

Row row_of(Client& client, JobId job) {
  const std::string id = std::to_string(value(job));
  std::vector<Row> rows = client.query("job", id);
  if (rows.empty())
    throw Refused("the broker knows no job " + id + " any more; see `stint jobs`", ErrorCode::unknown_job);
  return std::move(rows.front());
}

void summarize(Console& console, const Row& row, std::optional<Duration> took, const FailureLog* failures) {
  Gauge gauge = gauge_of(row);
  gauge.label = heading(row);
  std::string line = end_line(gauge, took);
  if (const std::uint64_t redone = row.number("redone"); redone > 0) line += ", redone " + std::to_string(redone);
  if (outcome_of(row) == Outcome::cancelled && !gauge.reason.empty()) line += ": " + gauge.reason;
  console.add(line);
  if (gauge.counts.failed == 0) return;
  if (failures != nullptr) {
    for (const std::string& group : failures->summary()) console.add(group);
  }
  const std::string id = std::to_string(row.number("job"));
  if (row.text("results") != "stream") console.add("  look at them: stint results " + id + " --failed");
  console.add("  try them again: stint retry " + id);
}

}  // namespace stint::tool
