#include "broker/store/journal.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/store/gather.hpp"
#include "broker/store/rows.hpp"
#include "common/model/limits.hpp"
#include "common/model/require.hpp"

namespace stint::broker {
namespace {

// What stands in the column `change`. Never changed once released.
const std::string kTasks = "tasks";
const std::string kOutcomes = "outcomes";
const std::string kReserve = "reserve";
const std::string kTrim = "trim";
const std::string kDrop = "drop";

enum Column { kId, kChange, kJob, kAt, kDigest, kDone, kFailed, kEnded, kHead, kBlob };

struct Weight {
  std::uint64_t tasks = 0;
  std::uint64_t bytes = 0;
};

// None: it is not for the journal.
std::optional<Weight> weight_of(const Change& change) {
  if (const auto* append = std::get_if<AppendTasks>(&change)) return Weight{append->tasks.count(), append->tasks.blob.size()};
  if (const auto* append = std::get_if<AppendOutcomes>(&change)) {
    if (!append->letters.empty()) return std::nullopt;
    return Weight{append->ended.count(), append->results.outcomes.blob.size()};
  }
  const bool is_bound = std::holds_alternative<ReserveTasks>(change) || std::holds_alternative<TrimResults>(change) ||
                        std::holds_alternative<DropTasks>(change);
  return is_bound ? std::optional(Weight{}) : std::nullopt;
}

Indices indices_of(const std::vector<Run>& runs) {
  if (runs.size() == 1) return Indices(runs.front());
  std::vector<Index> table;
  for (const Run& run : runs) {
    for (Index index = run.first; index < run.end(); ++index) table.push_back(index);
  }
  return Indices(std::move(table));
}

}  // namespace

Journal::Journal(Database& database)
    : database_(database),
      put_tasks_(database, "INSERT INTO journal(change, job, at, digest, head, blob) VALUES(?, ?, ?, ?, ?, ?)"),
      put_outcomes_(database,
                    "INSERT INTO journal(change, job, at, digest, done, failed, ended, head, blob) "
                    "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      put_bound_(database, "INSERT INTO journal(change, job, at) VALUES(?, ?, ?)"),
      rows_(database, "SELECT id, change, job, at, digest, done, failed, ended, head, blob FROM journal ORDER BY id"),
      clear_(database, "DELETE FROM journal") {}

bool Journal::takes(const std::vector<Change>& changes) {
  if (changes.size() > limits::kStoreFewChanges) return false;
  Weight all;
  for (const Change& change : changes) {
    const std::optional<Weight> weight = weight_of(change);
    if (!weight) return false;
    all.tasks += weight->tasks;
    all.bytes += weight->bytes;
  }
  return all.tasks <= limits::kStoreJournalTasks && all.bytes <= limits::kStoreJournalBytes;
}

void Journal::append(const std::vector<Change>& changes) {
  for (const Change& change : changes) std::visit([this](const auto& one) { append(one); }, change);
}

void Journal::append(const AppendTasks& append) {
  const Packed packed = pack_tasks(append.job, append.first, append.tasks);
  put_tasks_.run(kTasks, append.job, append.first, append.digest.value(), std::string_view(packed.head), packed.blob.view());
}

void Journal::append(const AppendOutcomes& append) {
  const JobResults& results = append.results;
  std::string head;
  if (results.outcomes.count() > 0) pack_results(results, head);
  std::vector<Run> ended;
  append_runs(ended, append.ended);
  put_outcomes_.run(kOutcomes, append.job, results.position, append.digest, append.done, append.failed,
                    std::string_view(pack_runs(merged(std::move(ended)))), std::string_view(head), results.outcomes.blob.view());
}

void Journal::append(const ReserveTasks& reserve) { put_bound_.run(kReserve, reserve.job, reserve.upto); }
void Journal::append(const TrimResults& trim) { put_bound_.run(kTrim, trim.job, trim.upto); }
void Journal::append(const DropTasks& drop) { put_bound_.run(kDrop, drop.job, drop.below); }

template <class Other>
void Journal::append(const Other&) {
  STINT_REQUIRE(false);  // takes() said no
}

// They count from 1, since clear() leaves none.
std::vector<Change> Journal::read() {
  std::vector<Change> changes;
  for (rows_.query(); rows_.step();) {
    if (rows_.number(kId) != changes.size() + 1) database_.damaged("row " + std::to_string(changes.size() + 1) + " of its journal is missing");
    changes.push_back(change_in_row());
  }
  return changes;
}

void Journal::clear() { clear_.run(); }

Change Journal::change_in_row() {
  const std::string_view change = rows_.bytes(kChange);
  const JobId job{rows_.number(kJob)};
  const std::uint64_t at = rows_.number(kAt);
  if (change == kReserve) return ReserveTasks{job, at};
  if (change == kTrim) return TrimResults{job, at};
  if (change == kDrop) return DropTasks{job, at};
  if (change == kOutcomes) return outcomes_in_row();
  if (change != kTasks) damaged();
  auto tasks = unpack_tasks(rows_.bytes(kHead), Blob::copy_of(rows_.bytes(kBlob)), job, at);
  if (!tasks) damaged();
  return AppendTasks{job, at, std::move(*tasks), Digest(static_cast<std::uint32_t>(rows_.number(kDigest)))};
}

Change Journal::outcomes_in_row() {
  AppendOutcomes append;
  append.job = JobId{rows_.number(kJob)};
  append.digest = rows_.number(kDigest);
  append.done = rows_.number(kDone);
  append.failed = rows_.number(kFailed);
  const auto ended = unpack_runs(rows_.bytes(kEnded));
  if (!ended) damaged();
  append.ended = indices_of(*ended);
  if (append.ended.count() != append.done + append.failed) damaged();
  append.results.job = append.job;
  append.results.position = rows_.number(kAt);
  if (rows_.bytes(kHead).empty()) return append;
  auto results = unpack_results(rows_.bytes(kHead), Blob::copy_of(rows_.bytes(kBlob)), append.job, append.results.position);
  if (!results || results->size() != 1) damaged();
  append.results = std::move(results->front());
  return append;
}

void Journal::damaged() { database_.damaged("row " + std::to_string(rows_.number(kId)) + " of its journal cannot be read"); }

}  // namespace stint::broker
