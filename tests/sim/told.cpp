#include "tests/sim/told.hpp"

#include <algorithm>
#include <charconv>

namespace stint::sim {

void Told::accepted(JobId id, Index next, std::uint32_t digest) {
  Job& job = jobs_[id];
  if (next < job.accepted) return;
  job.accepted = next;
  job.digest = digest;
}

void Told::forget() {
  jobs_.clear();
  paused_.clear();
  commands_.clear();
}

void Told::counted(const Row& row) {
  Job& job = jobs_[JobId{row.number("job")}];
  job.done = row.number("done");
  job.failed = row.number("failed");
  job.cancelled = row.number("cancelled");
  job.outcomes_digest = row.text("outcomes_digest");
  if (row.number("left") == 0 && (row.text("state") == "ended" || row.text("state") == "cancelled")) job.end = row.text("state");
}

void Told::check(const std::vector<Row>& rows) const {
  for (const auto& [id, job] : jobs_) {
    const auto row = std::find_if(rows.begin(), rows.end(), [id = id](const Row& each) { return each.number("job") == value(id); });
    if (row == rows.end()) world_.fail("after the restart job " + std::to_string(value(id)) + " is gone");
    check(id, job, *row);
  }
}

void Told::check(JobId id, const Job& job, const Row& row) const {
  const auto require = [&](bool holds, const std::string& text) {
    if (!holds) world_.fail("after the restart job " + std::to_string(value(id)) + " " + text);
  };
  std::uint32_t digest = 0;
  const std::string hex = row.text("digest");
  std::from_chars(hex.data(), hex.data() + hex.size(), digest, 16);
  const std::uint64_t total = row.number("total");
  require(total >= job.accepted, "has " + std::to_string(total) + " tasks, and " + std::to_string(job.accepted) + " were accepted");
  require(total > job.accepted || digest == job.digest, "has other tasks than were accepted");
  require(row.number("done") >= job.done && row.number("failed") >= job.failed && row.number("cancelled") >= job.cancelled,
          "has fewer ends than were told");
  require(row.number("done") > job.done || row.number("failed") > job.failed || row.text("outcomes_digest") == job.outcomes_digest ||
              job.outcomes_digest.empty(),
          "has other outcomes than were told");
  require(!paused_.contains(id) || row.number("left") == 0 || row.text("state") == "paused", "is paused no more");
  require(job.end.empty() || job.end == row.text("state"), "is " + row.text("state") + ", and was told to be " + job.end);
}

}  // namespace stint::sim
