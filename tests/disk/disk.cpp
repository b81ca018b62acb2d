#include "tests/disk/disk.hpp"

#include <algorithm>

#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

Index highest(const Outcomes& outcomes) {
  Index index = 0;
  for (std::uint32_t i = 0; i < outcomes.count(); ++i) index = std::max(index, outcomes.indices.at(i));
  return index;
}

// The results of one batch as pieces of consecutive tasks.
std::vector<JobResults> runs_of(const JobResults& batch) {
  std::vector<JobResults> runs;
  std::map<Index, OutcomeCursor> sorted;
  for (OutcomeCursor task(batch.outcomes); !task.done(); task.next()) sorted.emplace(task.index(), task);
  OutcomesBuilder run;
  for (auto at = sorted.begin(); at != sorted.end(); ++at) {
    run.copy(at->second);
    const auto next = std::next(at);
    if (next != sorted.end() && next->first == at->first + 1) continue;
    Outcomes outcomes = run.take();
    const Index first = outcomes.indices.at(0);
    runs.push_back({batch.job, first, batch.attempt, batch.worker, std::move(outcomes)});
  }
  return runs;
}

JobResults from(const JobResults& piece, std::uint64_t position) {
  const auto skipped = static_cast<std::uint32_t>(position - piece.position);
  const Outcomes& outcomes = piece.outcomes;
  return {piece.job, position, piece.attempt, piece.worker, outcomes.slice(skipped, outcomes.count() - skipped)};
}

}  // namespace

void Disk::apply(const Change& change) {
  std::visit([this](const auto& each) { apply(each); }, change);
}

void Disk::apply(const PutJob& put) {
  jobs_[put.job].known.job = put;
  last_job_ = std::max(last_job_, value(put.job));
}

void Disk::apply(const AppendTasks& tasks) {
  StoredJob& job = jobs_.at(tasks.job);
  job.chunks[tasks.first] = tasks.tasks;
  job.known.received = tasks.first + tasks.tasks.count();
  job.known.received_bytes += tasks.tasks.blob.size();
  job.known.digest = tasks.digest;
}

void Disk::apply(const ReserveTasks& reserved) { jobs_.at(reserved.job).known.handed_upto = reserved.upto; }

void Disk::apply(const AppendOutcomes& outcomes) {
  StoredJob& job = jobs_.at(outcomes.job);
  for (std::uint32_t i = 0; i < outcomes.ended.count(); ++i) {
    job.ended.insert(outcomes.ended.at(i));
    job.failures.erase(outcomes.ended.at(i));
  }
  job.known.done += outcomes.done;
  job.known.failed += outcomes.failed;
  job.known.outcomes_digest = outcomes.digest;
  for (const auto& [index, payload] : outcomes.letters) job.letters[index] = payload;
  if (outcomes.results.outcomes.count() == 0) return;
  job.results.push_back(outcomes.results);
  job.known.results_end = outcomes.results.position + outcomes.results.outcomes.count();
}

void Disk::apply(const CountFailures& counted) {
  StoredJob& job = jobs_.at(counted.job);
  for (const auto& [index, failures] : counted.failures) job.failures[index] = failures;
}

bool Disk::is_consumed(const StoredJob& job, const JobResults& results) {
  const Outcomes& outcomes = results.outcomes;
  const std::uint64_t last = job.known.job.options.order ? highest(outcomes) : results.position + outcomes.count() - 1;
  return last < job.known.consumed;
}

void Disk::apply(const TrimResults& trimmed) {
  StoredJob& job = jobs_.at(trimmed.job);
  job.known.consumed = trimmed.upto;
  std::erase_if(job.results, [&](const JobResults& results) { return is_consumed(job, results); });
}

void Disk::apply(const DropTasks& dropped) {
  StoredJob& job = jobs_.at(dropped.job);
  job.known.dropped_below = dropped.below;
  std::erase_if(job.chunks, [&](const auto& chunk) { return chunk.first + chunk.second.count() <= dropped.below; });
  std::erase_if(job.ended, [&](Index index) { return index < dropped.below; });
}

void Disk::apply(const ForgetJob& forgotten) { jobs_.erase(forgotten.job); }

void Disk::apply(const PutAnswer& answer) {
  answers_.push_back(answer);
  if (answers_.size() > limits::kStoredAnswers) answers_.erase(answers_.begin());
}

FoundJob Disk::found(const StoredJob& job) {
  FoundJob found = job.known;
  for (const Index index : job.ended) {
    if (!found.ended.empty() && found.ended.back().end() == index) {
      ++found.ended.back().count;
    } else {
      found.ended.push_back({index, 1});
    }
  }
  for (const auto& [first, tasks] : job.chunks) {
    if (first >= found.handed_upto) found.fresh_bytes += tasks.blob.size();
  }
  for (const JobResults& results : job.results) {
    found.results_index_end = std::max(found.results_index_end, highest(results.outcomes) + 1);
    found.results_bytes += results.outcomes.blob.size();
    if (found.job.options.results == ResultsPolicy::stream) found.unread.push_back(results);
  }
  found.failures.assign(job.failures.begin(), job.failures.end());
  found.dead_letters.assign(job.letters.begin(), job.letters.end());
  return found;
}

Found Disk::found() const {
  Found all;
  for (const auto& [id, job] : jobs_) all.jobs.push_back(found(job));
  all.last_job = last_job_;
  all.answers = answers_;
  return all;
}

Fetched Disk::fetch(const Wanted& wanted) const {
  return std::visit([this](const auto& each) { return fetch(each); }, wanted);
}

Fetched Disk::fetch(const WantedTasks& wanted) const {
  FetchedTasks fetched{wanted, {}};
  const auto job = jobs_.find(wanted.job);
  if (job == jobs_.end() || job->second.chunks.empty()) return fetched;
  auto at = job->second.chunks.upper_bound(wanted.first);
  if (at == job->second.chunks.begin()) return fetched;
  std::uint64_t bytes = 0;
  for (--at; at != job->second.chunks.end() && (fetched.chunks.empty() || bytes + at->second.blob.size() <= wanted.bytes); ++at) {
    bytes += at->second.blob.size();
    fetched.chunks.emplace_back(*at);
  }
  return fetched;
}

Fetched Disk::fetch(const WantedResults& wanted) const {
  FetchedResults fetched{wanted, {}, {}};
  const auto job = jobs_.find(wanted.job);
  if (job == jobs_.end()) return fetched;
  std::map<std::uint64_t, JobResults> pieces;
  for (const JobResults& batch : job->second.results) {
    if (!wanted.by_index) {
      pieces.emplace(batch.position, batch);
      continue;
    }
    for (JobResults& run : runs_of(batch)) {
      const Index first = run.position;
      pieces.emplace(first, std::move(run));
    }
  }
  std::uint64_t next = wanted.from;
  std::uint64_t bytes = 0;
  for (const auto& [position, piece] : pieces) {
    const std::uint64_t end = position + piece.outcomes.count();
    if (end <= next) continue;
    if (position > next) {
      if (fetched.results.empty() && wanted.by_index) fetched.next = position;
      break;
    }
    fetched.results.push_back(from(piece, next));
    bytes += piece.outcomes.blob.size();
    next = end;
    if (bytes >= wanted.bytes) break;
  }
  return fetched;
}

}  // namespace stint::broker
