#include "broker/store/gather.hpp"

#include <algorithm>
#include <utility>

#include "broker/store/rows.hpp"
#include "common/model/limits.hpp"
#include "common/model/require.hpp"

namespace stint::broker {
namespace {

void append_part(std::vector<TaskRow>& rows, Index first, Batch part) {
  const bool joins = !rows.empty() && rows.back().first + rows.back().count == first &&
                     rows.back().bytes + part.blob.size() <= limits::kBatchBytes &&
                     rows.back().count + part.count() <= limits::kMaxBatchTasks;
  if (!joins) rows.push_back({first, 0, 0, {}});
  TaskRow& row = rows.back();
  row.count += part.count();
  row.bytes += part.blob.size();
  row.parts.push_back(std::move(part));
}

struct Span {
  Index lowest = 0;
  Index highest = 0;
  std::uint64_t width() const { return highest - lowest; }
  Span with(Span other) const { return {std::min(lowest, other.lowest), std::max(highest, other.highest)}; }
};

Span span_of(const Indices& indices) {
  if (indices.is_run()) return {indices.run().first, indices.run().end() - 1};
  const auto [lowest, highest] = std::minmax_element(indices.table().begin(), indices.table().end());
  return {*lowest, *highest};
}

// How many of the tasks from `first` on lie close enough together for one row.
std::uint32_t close_from(const Indices& indices, std::uint32_t first) {
  if (indices.is_run()) return indices.count() - first;
  Span span{indices.at(first), indices.at(first)};
  for (std::uint32_t i = first + 1; i < indices.count(); ++i) {
    span = span.with({indices.at(i), indices.at(i)});
    if (span.width() >= limits::kStoreResultSpan) return i - first;
  }
  return indices.count() - first;
}

void append_part(std::vector<ResultRow>& rows, const JobResults& part) {
  const Span span = span_of(part.outcomes.indices);
  bool joins = false;
  if (!rows.empty()) {
    const ResultRow& last = rows.back();
    joins = last.position + last.count == part.position &&
            last.bytes + part.outcomes.blob.size() <= limits::kBatchBytes &&
            last.count + part.outcomes.count() <= limits::kMaxBatchTasks &&
            span.with({last.lowest, last.highest}).width() < limits::kStoreResultSpan;
  }
  if (!joins) rows.push_back({part.position, 0, 0, span.lowest, span.highest, {}, {}});
  ResultRow& row = rows.back();
  row.count += part.outcomes.count();
  row.bytes += part.outcomes.blob.size();
  row.lowest = std::min(row.lowest, span.lowest);
  row.highest = std::max(row.highest, span.highest);
  pack_results(part, row.heads);
  row.blobs.push_back(part.outcomes.blob);
}

}  // namespace

void Gathered::add(const Change& change) {
  std::visit([this](const auto& one) { take(one); }, change);
}

JobDelta& Gathered::delta_of(JobId job) {
  const auto [at, is_new] = jobs_.try_emplace(job);
  if (is_new) {
    const auto book = books_.find(job);
    if (book != books_.end()) at->second.book = book->second;
  }
  return at->second;
}

void Gathered::take(const PutJob& put) {
  JobDelta& delta = delta_of(put.job);
  delta.put = put;
  delta.book.ordered = put.options.order;
  delta.book.keeps = put.options.results == ResultsPolicy::keep;
}

void Gathered::take(const AppendTasks& append) {
  JobDelta& delta = delta_of(append.job);
  STINT_REQUIRE(append.first == delta.book.received);
  const std::uint32_t count = append.tasks.count();
  for (std::uint32_t at = 0; at < count;) {
    const std::uint32_t some = std::min(count - at, limits::kMaxBatchTasks);
    append_part(delta.tasks, append.first + at, some == count ? append.tasks : append.tasks.slice(at, some));
    at += some;
  }
  delta.book.received += count;
  delta.book.received_bytes += append.tasks.blob.size();
  delta.book.digest = append.digest;
  delta.counted = true;
}

void Gathered::take(const ReserveTasks& reserve) {
  JobDelta& delta = delta_of(reserve.job);
  delta.book.handed_upto = reserve.upto;
  delta.counted = true;
}

void Gathered::take(const AppendOutcomes& append) {
  JobDelta& delta = delta_of(append.job);
  append_runs(delta.ended, append.ended);
  delta.book.done += append.done;
  delta.book.failed += append.failed;
  delta.book.outcomes_digest = append.digest;
  delta.counted = true;
  for (const auto& [index, letter] : append.letters) delta.letters[index] = letter;
  const JobResults& results = append.results;
  const std::uint32_t count = results.outcomes.count();
  for (std::uint32_t at = 0; at < count;) {
    const std::uint32_t some = std::min(close_from(results.outcomes.indices, at), limits::kMaxBatchTasks);
    if (some == count) {
      append_part(delta.results, results);
    } else {
      append_part(delta.results, {results.job, results.position + at, results.attempt, results.worker,
                                  results.outcomes.slice(at, some)});
    }
    at += some;
  }
  if (count > 0) delta.book.results_end = results.position + count;
}

void Gathered::take(const CountFailures& count) {
  JobDelta& delta = delta_of(count.job);
  for (const auto& [index, failures] : count.failures) delta.failures[index] = failures;
  delta.book.failures = true;
}

void Gathered::take(const TrimResults& trim) {
  JobDelta& delta = delta_of(trim.job);
  delta.book.consumed = trim.upto;
  delta.counted = delta.removes = true;
}

void Gathered::take(const DropTasks& drop) {
  JobDelta& delta = delta_of(drop.job);
  delta.book.dropped_below = drop.below;
  delta.counted = delta.removes = true;
}

void Gathered::take(const ForgetJob& forget) { delta_of(forget.job).forgotten = true; }

void append_runs(std::vector<Run>& runs, const Indices& indices) {
  if (indices.is_run()) runs.push_back(indices.run());
  for (const Index index : indices.table()) runs.push_back({index, 1});
}

std::vector<Run> merged(std::vector<Run> runs) {
  std::erase_if(runs, [](Run run) { return run.count == 0; });
  std::sort(runs.begin(), runs.end(), [](Run a, Run b) { return a.first < b.first; });
  std::size_t kept = 0;
  for (const Run& run : runs) {
    if (kept > 0 && run.first <= runs[kept - 1].end()) {
      runs[kept - 1].count = std::max(runs[kept - 1].end(), run.end()) - runs[kept - 1].first;
    } else {
      runs[kept++] = run;
    }
  }
  runs.resize(kept);
  return runs;
}

std::vector<Run> cut_below(std::vector<Run> runs, Index below) {
  std::erase_if(runs, [below](const Run& run) { return run.end() <= below; });
  if (!runs.empty() && runs.front().first < below) runs.front() = {below, runs.front().end() - below};
  return runs;
}

}  // namespace stint::broker
