#include "broker/core/result_log.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace stint::broker {
namespace {

// A piece of which the first half or more was consumed becomes what is left of it, and frees the rest. So a piece is cut a few times
// only, and a thousand jobs whose readers are done with all but the last result do not hold a thousand messages.
void cut_consumed(JobResults& piece, std::uint64_t upto) {
  const std::uint64_t consumed = upto - std::min(upto, piece.position);
  const std::uint32_t count = piece.outcomes.count();
  if (consumed < count - consumed) return;
  piece = part_of(piece, static_cast<std::uint32_t>(consumed), static_cast<std::uint32_t>(count - consumed));
  piece.outcomes = piece.outcomes.compact();
}

}  // namespace

JobResults part_of(const JobResults& whole, std::uint32_t first, std::uint32_t count) {
  if (first == 0 && count == whole.outcomes.count()) return whole;
  JobResults part{whole.job, whole.position + first, whole.attempt, whole.worker, whole.outcomes.slice(first, count)};
  return part;
}

std::uint64_t behind(const JobResults& piece) { return piece.position + piece.outcomes.count(); }

void SequenceLog::append(JobResults results) {
  results.position = end_;
  end_ += results.outcomes.count();
  bytes_ += results.outcomes.blob.size();
  entries_.push_back(std::move(results));
}

std::optional<JobResults> SequenceLog::read(std::uint64_t position, std::uint64_t limit) const {
  position = std::max(position, begin_);
  if (position >= std::min(limit, end_)) return std::nullopt;
  const auto next = std::upper_bound(entries_.begin(), entries_.end(), position,
                                     [](std::uint64_t at, const JobResults& entry) { return at < entry.position; });
  const JobResults& entry = *std::prev(next);
  const auto first = static_cast<std::uint32_t>(position - entry.position);
  const auto count = std::min<std::uint64_t>(entry.outcomes.count() - first, limit - position);
  return part_of(entry, first, static_cast<std::uint32_t>(count));
}

void SequenceLog::trim(std::uint64_t upto) {
  while (!entries_.empty() && behind(entries_.front()) <= upto) {
    bytes_ -= entries_.front().outcomes.blob.size();
    begin_ = behind(entries_.front());
    entries_.pop_front();
  }
  if (entries_.empty()) return;
  bytes_ -= entries_.front().outcomes.blob.size();
  cut_consumed(entries_.front(), upto);
  bytes_ += entries_.front().outcomes.blob.size();
  begin_ = entries_.front().position;
}

std::vector<JobResults> consecutive_runs(JobResults results) {
  const Outcomes& outcomes = results.outcomes;
  std::vector<JobResults> runs;
  if (outcomes.indices.is_run()) {
    results.position = outcomes.indices.at(0);
    runs.push_back(std::move(results));
    return runs;
  }
  std::vector<OutcomeCursor> tasks;
  for (OutcomeCursor task(outcomes); !task.done(); task.next()) tasks.push_back(task);
  std::sort(tasks.begin(), tasks.end(), [](const auto& a, const auto& b) { return a.index() < b.index(); });
  OutcomesBuilder run;
  Index first = tasks.front().index();
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    run.copy(tasks[i]);
    if (i + 1 < tasks.size() && tasks[i + 1].index() == tasks[i].index() + 1) continue;
    runs.push_back({results.job, first, results.attempt, results.worker, run.take()});
    if (i + 1 < tasks.size()) first = tasks[i + 1].index();
  }
  return runs;
}

void IndexLog::append(const JobResults& results) {
  for (JobResults& run : consecutive_runs(results)) insert(std::move(run));
}

void IndexLog::insert(JobResults run) {
  bytes_ += run.outcomes.blob.size();
  highest_ = std::max(highest_, behind(run));
  const std::uint64_t first = run.position;
  runs_.emplace(first, std::move(run));
}

std::optional<JobResults> IndexLog::read(std::uint64_t position, std::uint64_t limit, bool complete) const {
  if (position >= limit) return std::nullopt;
  auto at = runs_.upper_bound(position);
  if (at != runs_.begin() && behind(std::prev(at)->second) > position) --at;
  if (at == runs_.end()) return std::nullopt;
  const JobResults& run = at->second;
  if (run.position > position && !complete) return std::nullopt;
  const std::uint64_t from = std::max(position, run.position);
  const auto first = static_cast<std::uint32_t>(from - run.position);
  const auto count = std::min<std::uint64_t>(run.outcomes.count() - first, limit - position);
  return part_of(run, first, static_cast<std::uint32_t>(count));
}

void IndexLog::trim(std::uint64_t upto) {
  while (!runs_.empty() && behind(runs_.begin()->second) <= upto) {
    bytes_ -= runs_.begin()->second.outcomes.blob.size();
    runs_.erase(runs_.begin());
  }
  if (!runs_.empty() && runs_.begin()->first < upto) {
    JobResults run = std::move(runs_.extract(runs_.begin()).mapped());
    bytes_ -= run.outcomes.blob.size();
    cut_consumed(run, upto);
    insert(std::move(run));
  }
  trimmed_ = std::max(trimmed_, upto);
}

std::uint64_t IndexLog::end() const { return std::max(highest_, trimmed_); }

}  // namespace stint::broker
