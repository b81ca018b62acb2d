#include "broker/store/index_runs.hpp"

#include <algorithm>
#include <utility>

namespace stint::broker {

void IndexRuns::add(const JobResults& results) {
  const Outcomes& outcomes = results.outcomes;
  if (outcomes.indices.is_run()) return insert(results);
  std::vector<OutcomeCursor> tasks;
  for (OutcomeCursor task(outcomes); !task.done(); task.next()) tasks.push_back(task);
  std::sort(tasks.begin(), tasks.end(), [](const auto& a, const auto& b) { return a.index() < b.index(); });
  OutcomesBuilder run;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    run.copy(tasks[i]);
    if (i + 1 < tasks.size() && tasks[i + 1].index() == tasks[i].index() + 1) continue;
    insert({results.job, 0, results.attempt, results.worker, run.take()});
  }
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
