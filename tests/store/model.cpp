#include "model.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

std::set<Index> members(const std::vector<Run>& runs) {
  std::set<Index> all;
  Index end = 0;
  for (const Run& run : runs) {
    CHECK((all.empty() || run.first > end));  // sorted, and not even touching
    for (Index i = run.first; i < run.end(); ++i) all.insert(i);
    end = run.end();
  }
  return all;
}

}  // namespace

std::vector<ModelResult> results_of(const JobResults& results) {
  std::vector<ModelResult> all;
  for (OutcomeCursor task(results.outcomes); !task.done(); task.next()) {
    ModelResult one{task.index(),
                    results.attempt,
                    results.worker,
                    std::string(task.result()),
                    std::string(task.error()),
                    task.micros(),
                    0,
                    0};
    if (const NotDone* failure = task.not_done()) {
      one.code = static_cast<std::uint32_t>(failure->code);
      one.exit = failure->exit;
    }
    all.push_back(std::move(one));
  }
  return all;
}

std::uint64_t ModelJob::received_bytes() const {
  std::uint64_t bytes = 0;
  for (const std::string& task : tasks) bytes += task.size();
  return bytes;
}

void Model::apply(const Change& change) {
  struct Apply {
    Model& self;
    void operator()(const PutJob& put) const {
      self.jobs_[put.job].put = put;
      self.last_job_ = std::max(self.last_job_, value(put.job));
    }
    void operator()(const AppendTasks& append) const {
      ModelJob& job = self.jobs_.at(append.job);
      for (BatchCursor task(append.tasks); !task.done(); task.next()) job.tasks.emplace_back(task.view());
      job.digest = append.digest;
    }
    void operator()(const ReserveTasks& reserve) const { self.jobs_.at(reserve.job).handed_upto = reserve.upto; }
    void operator()(const AppendOutcomes& append) const {
      ModelJob& job = self.jobs_.at(append.job);
      for (std::uint32_t i = 0; i < append.ended.count(); ++i) {
        job.ended.insert(append.ended.at(i));
        job.failures.erase(append.ended.at(i));
      }
      job.done += append.done;
      job.failed += append.failed;
      job.outcomes_digest = append.digest;
      for (const auto& [task, letter] : append.letters) job.letters[task] = letter;
      for (ModelResult& result : results_of(append.results)) {
        job.by_task[result.task] = job.results.size();
        job.results.push_back(std::move(result));
      }
    }
    void operator()(const CountFailures& count) const {
      for (const auto& [task, failures] : count.failures) self.jobs_.at(count.job).failures[task] = failures;
    }
    void operator()(const TrimResults& trim) const { self.jobs_.at(trim.job).consumed = trim.upto; }
    void operator()(const DropTasks& drop) const { self.jobs_.at(drop.job).dropped_below = drop.below; }
    void operator()(const ForgetJob& forget) const { self.jobs_.erase(forget.job); }
    void operator()(const PutAnswer& answer) const {
      self.answers_.push_back(answer);
      if (self.answers_.size() > limits::kStoredAnswers) self.answers_.erase(self.answers_.begin());
    }
  };
  std::visit(Apply{*this}, change);
}

void Model::check(const Found& found) const {
  CHECK(found.last_job == last_job_);
  CHECK(found.answers == answers_);
  REQUIRE(found.jobs.size() == jobs_.size());
  auto job = jobs_.begin();
  for (const FoundJob& one : found.jobs) check(one, (job++)->second);
}

void Model::check(const FoundJob& found, const ModelJob& job) const {
  CHECK(found.job == job.put);
  CHECK(found.received == job.tasks.size());
  CHECK(found.received_bytes == job.received_bytes());
  CHECK(found.digest == job.digest);
  CHECK(found.handed_upto == job.handed_upto);
  CHECK(found.dropped_below == job.dropped_below);
  std::set<Index> ended = job.ended;
  ended.erase(ended.begin(), ended.lower_bound(job.dropped_below));
  CHECK(members(found.ended) == ended);
  std::uint64_t fresh_bytes = 0;
  for (Index at = found.handed_upto; at < job.tasks.size(); ++at) fresh_bytes += job.tasks[at].size();
  CHECK(found.fresh_bytes <= fresh_bytes);  // a chunk that is handed out in part does not count
  if (found.handed_upto == 0 && found.dropped_below == 0) CHECK(found.fresh_bytes == fresh_bytes);
  CHECK(found.done == job.done);
  CHECK(found.failed == job.failed);
  CHECK(found.outcomes_digest == job.outcomes_digest);
  CHECK(found.consumed == job.consumed);
  CHECK(found.results_end == job.results.size());
  check_results(found, job);
  std::map<Index, std::uint32_t> failures = job.failures;
  failures.erase(failures.begin(), failures.lower_bound(job.dropped_below));
  CHECK(std::map(found.failures.begin(), found.failures.end()) == failures);
  CHECK(std::map(found.dead_letters.begin(), found.dead_letters.end()) == job.letters);
}

// Rows are removed whole, so a little of what is consumed may be there still.
void Model::check_results(const FoundJob& found, const ModelJob& job) const {
  std::set<std::uint64_t> unread;
  for (const JobResults& piece : found.unread) {
    std::uint64_t at = piece.position;
    for (const ModelResult& result : results_of(piece)) {
      REQUIRE(result == job.results.at(at));
      CHECK(unread.insert(at++).second);
    }
  }
  std::uint64_t needed_bytes = 0;
  std::uint64_t all_bytes = 0;
  Index index_end = 0;
  for (std::uint64_t at = 0; at < job.results.size(); ++at) {
    const std::uint64_t bytes = job.results[at].result.size() + job.results[at].error.size();
    all_bytes += bytes;
    if ((job.put.options.order ? job.results[at].task : at) < job.consumed) continue;
    needed_bytes += bytes;
    index_end = std::max(index_end, job.results[at].task + 1);
    CHECK(unread.contains(at) == (job.put.options.results == ResultsPolicy::stream));
  }
  CHECK(found.results_bytes >= needed_bytes);
  CHECK(found.results_bytes <= all_bytes);
  CHECK(found.results_index_end >= index_end);
}

void Model::check(const FetchedTasks& fetched) const {
  const ModelJob& job = jobs_.at(fetched.wanted.job);
  REQUIRE(!fetched.chunks.empty());
  CHECK(fetched.chunks.front().first <= fetched.wanted.first);
  Index next = fetched.chunks.front().first;
  std::uint64_t bytes = 0;
  for (const auto& [first, chunk] : fetched.chunks) {
    CHECK(first == next);
    for (BatchCursor task(chunk); !task.done(); task.next()) REQUIRE(task.view() == job.tasks.at(next++));
    bytes += chunk.blob.size();
  }
  CHECK(next > fetched.wanted.first);
  CHECK((fetched.chunks.size() == 1 || bytes <= fetched.wanted.bytes));
}

void Model::check(const FetchedResults& fetched) const {
  const WantedResults& wanted = fetched.wanted;
  const ModelJob& job = jobs_.at(wanted.job);
  const auto is_there = [&](std::uint64_t at) {
    return wanted.by_index ? job.by_task.contains(at) : at < job.results.size();
  };
  std::uint64_t next = wanted.from;
  std::uint64_t bytes = 0;
  for (const JobResults& piece : fetched.results) {
    CHECK(piece.job == wanted.job);
    CHECK(piece.position == next);
    if (wanted.by_index) CHECK(piece.outcomes.indices.run().first == next);
    for (const ModelResult& result : results_of(piece)) {
      REQUIRE(is_there(next));
      REQUIRE(result == job.results[wanted.by_index ? job.by_task.at(next) : next]);
      ++next;
    }
    bytes += piece.outcomes.blob.size();
  }
  CHECK((fetched.results.size() <= 1 || bytes <= wanted.bytes));
  CHECK(fetched.results.empty() == !is_there(wanted.from));
  if (!wanted.by_index || !fetched.results.empty()) return;
  const auto behind = job.by_task.lower_bound(wanted.from);
  CHECK(fetched.next == (behind == job.by_task.end() ? std::nullopt : std::optional(behind->first)));
}

}  // namespace stint::broker
