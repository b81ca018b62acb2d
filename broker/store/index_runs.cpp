#include "broker/store/index_runs.hpp"

#include <utility>

#include "broker/core/result_log.hpp"

namespace stint::broker {

void IndexRuns::add(const JobResults& results) {
  for (JobResults& run : consecutive_runs(results)) insert(std::move(run));
}

void IndexRuns::insert(JobResults run) {
  Run tasks = run.outcomes.indices.run();
  if (tasks.end() <= from_) return;
  if (tasks.first < from_) {
    const auto skipped = static_cast<std::uint32_t>(from_ - tasks.first);
    run.outcomes = run.outcomes.slice(skipped, run.outcomes.count() - skipped);
    tasks = run.outcomes.indices.run();
  }
  run.position = tasks.first;
  runs_.insert_or_assign(tasks.first, std::move(run));
  for (auto at = runs_.find(reached_); at != runs_.end(); at = runs_.find(reached_)) {
    reached_ += at->second.outcomes.count();
    reached_bytes_ += at->second.outcomes.blob.size();
  }
}

std::optional<Index> IndexRuns::next() const {
  return runs_.empty() ? std::nullopt : std::optional(runs_.begin()->first);
}

std::vector<JobResults> IndexRuns::take(std::uint64_t bytes) {
  std::vector<JobResults> taken;
  std::uint64_t sum = 0;
  for (auto& [first, run] : runs_) {
    sum += run.outcomes.blob.size();
    if (first >= reached_ || (!taken.empty() && sum > bytes)) break;
    taken.push_back(std::move(run));
  }
  runs_.clear();
  return taken;
}

}  // namespace stint::broker
