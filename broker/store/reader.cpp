#include "broker/store/reader.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "broker/store/index_runs.hpp"
#include "broker/store/rows.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

std::string row_of(JobId job, const char* what, std::uint64_t from) {
  return std::string(what) + " of job " + std::to_string(value(job)) + " from " + std::to_string(from) +
         " on cannot be read";
}

}  // namespace

Reader::Reader(Database& database)
    : database_(database),
      chunks_(database,
              "SELECT first, count, head, blob FROM chunks JOIN payloads ON id = payload WHERE job = ?1 AND first >= "
              "(SELECT max(first) FROM chunks WHERE job = ?1 AND first <= ?2) ORDER BY first"),
      results_(database,
               "SELECT position, head, blob FROM results JOIN payloads ON id = payload WHERE job = ?1 AND position >= "
               "(SELECT max(position) FROM results WHERE job = ?1 AND position <= ?2) ORDER BY position"),
      results_by_task_(
          database,
          "SELECT position, head, blob, lowest FROM results JOIN payloads ON id = payload WHERE job = ?1 AND "
          "lowest > ?2 - ?3 AND highest >= ?2 ORDER BY lowest") {}

FetchedTasks Reader::fetch(const WantedTasks& wanted) {
  FetchedTasks fetched{wanted, {}};
  std::uint64_t bytes = 0;
  Index next = wanted.first;
  chunks_.query(wanted.job, wanted.first);
  while ((bytes == 0 || bytes < wanted.bytes) && chunks_.step()) {
    const Index first = chunks_.number(0);
    auto tasks = unpack_tasks(chunks_.bytes(2), Blob::copy_of(chunks_.bytes(3)), wanted.job, first);
    if (!tasks || tasks->count() != chunks_.number(1)) database_.damaged(row_of(wanted.job, "tasks", first));
    const bool joins = fetched.chunks.empty() ? first <= next && next < first + tasks->count() : first == next;
    if (!joins) break;
    const std::uint64_t more = tasks->blob.size();
    if (!fetched.chunks.empty() && bytes + more > wanted.bytes) break;
    bytes += more;
    next = first + tasks->count();
    fetched.chunks.emplace_back(first, std::move(*tasks));
  }
  chunks_.reset();
  if (fetched.chunks.empty()) database_.damaged(row_of(wanted.job, "tasks", wanted.first));
  return fetched;
}

FetchedResults Reader::fetch(const WantedResults& wanted) {
  return wanted.by_index ? by_task(wanted) : by_position(wanted);
}

std::vector<JobResults> Reader::unpacked(Statement& row, JobId job) {
  auto results = unpack_results(row.bytes(1), Blob::copy_of(row.bytes(2)), job, row.number(0));
  if (!results) database_.damaged(row_of(job, "results", row.number(0)));
  return std::move(*results);
}

FetchedResults Reader::by_position(const WantedResults& wanted) {
  FetchedResults fetched{wanted, {}, {}};
  std::uint64_t bytes = 0;
  std::uint64_t next = wanted.from;
  bool more = true;
  results_.query(wanted.job, wanted.from);
  while (more && results_.step()) {
    for (JobResults& piece : unpacked(results_, wanted.job)) {
      const std::uint64_t end = piece.position + piece.outcomes.count();
      if (end <= next) continue;
      if (piece.position > next) {
        more = false;
        break;
      }
      if (piece.position < next) {
        const auto skipped = static_cast<std::uint32_t>(next - piece.position);
        piece.outcomes = piece.outcomes.slice(skipped, piece.outcomes.count() - skipped);
        piece.position = next;
      }
      bytes += piece.outcomes.blob.size();
      more = fetched.results.empty() || bytes <= wanted.bytes;
      if (!more) break;
      next = end;
      fetched.results.push_back(std::move(piece));
    }
  }
  results_.reset();
  return fetched;
}

// Rows come by their lowest task. What stands in front of the lowest of the rows to come is complete, so reading ends
// as soon as enough of it is there, or a task is missing in it.
FetchedResults Reader::by_task(const WantedResults& wanted) {
  FetchedResults fetched{wanted, {}, {}};
  IndexRuns runs(wanted.from);
  results_by_task_.query(wanted.job, wanted.from, limits::kStoreResultSpan);
  while (results_by_task_.step()) {
    const Index lowest = results_by_task_.number(3);
    if (lowest > runs.reached()) {
      if (runs.reached() == wanted.from) fetched.next = lowest;
      break;
    }
    if (runs.reached_bytes() >= wanted.bytes && runs.reached() > wanted.from) break;
    for (const JobResults& piece : unpacked(results_by_task_, wanted.job)) runs.add(piece);
  }
  results_by_task_.reset();
  if (runs.reached() == wanted.from && runs.next()) {
    fetched.next = std::min(*runs.next(), fetched.next.value_or(*runs.next()));
  }
  fetched.results = runs.take(wanted.bytes);
  return fetched;
}

}  // namespace stint::broker
