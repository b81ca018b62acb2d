#include "broker/store/recover.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "broker/store/rows.hpp"
#include "broker/store/schema.hpp"

namespace stint::broker {
namespace {

bool contains(const std::vector<Run>& runs, Index index) {
  const auto behind =
      std::upper_bound(runs.begin(), runs.end(), index, [](Index at, const Run& run) { return at < run.first; });
  return behind != runs.begin() && std::prev(behind)->contains(index);
}

class Recovery {
 public:
  explicit Recovery(Database& database)
      : database_(database), payload_(database, "SELECT head, blob FROM payloads WHERE id = ?") {}

  Recovered read() {
    read_jobs();
    read_forgotten();
    read_chunks();
    read_endings();
    read_results();
    read_failures();
    read_dead_letters();
    read_answers();
    recovered_.found.last_job = get_meta(database_, "last_job");
    keep_books();
    return std::move(recovered_);
  }

 private:
  void read_jobs();
  void read_forgotten();
  void read_chunks();
  void read_endings();
  void read_results();
  void read_unread(FoundJob& found, std::uint64_t position, std::uint64_t payload);
  void read_failures();
  void read_dead_letters();
  void read_answers();
  void keep_books();
  [[noreturn]] void missing(const FoundJob& found, const char* what, std::uint64_t from);
  FoundJob* job_of(std::uint64_t job, const char* table);

  Database& database_;
  Statement payload_;
  Recovered recovered_;
  std::size_t at_ = 0;  // the job whose rows are being read: each table is in the order of jobs
};

// The job that a row belongs to; null when it is forgotten. Rows come in ascending order of their jobs.
FoundJob* Recovery::job_of(std::uint64_t job, const char* table) {
  std::vector<FoundJob>& jobs = recovered_.found.jobs;
  if (at_ >= jobs.size() || value(jobs[at_].job.job) > job) at_ = 0;
  while (at_ < jobs.size() && value(jobs[at_].job.job) < job) ++at_;
  if (at_ < jobs.size() && value(jobs[at_].job.job) == job) return &jobs[at_];
  if (recovered_.garbage.contains(JobId{job})) return nullptr;
  database_.damaged("its table " + std::string(table) + " speaks of job " + std::to_string(job) +
                    ", which is not there");
}

void Recovery::read_jobs() {
  Statement all(
      database_,
      "SELECT jobs.job, parent, writer, options, priority, started, closed, paused, cancelled, ended, readers, "
      "failures_excused, reason, received, received_bytes, digest, handed_upto, dropped_below, done, failed, "
      "outcomes_digest, consumed, results_end FROM jobs LEFT JOIN counts USING(job) ORDER BY jobs.job");
  while (all.step()) {
    FoundJob& found = recovered_.found.jobs.emplace_back();
    PutJob& job = found.job;
    job.job = JobId{all.number(0)};
    job.parent = JobId{all.number(1)};
    job.writer = Incarnation{all.number(2)};
    auto options = unpack_options(all.bytes(3));
    if (!options || all.is_null(13)) database_.damaged("job " + std::to_string(value(job.job)) + " cannot be read");
    job.options = std::move(*options);
    job.priority = static_cast<std::int32_t>(all.number(4));
    job.started = all.number(5) != 0;
    job.closed = all.number(6) != 0;
    job.paused = all.number(7) != 0;
    job.cancelled = all.number(8) != 0;
    job.ended = all.number(9) != 0;
    job.readers = all.number(10);
    job.failures_excused = all.number(11);
    job.reason = all.bytes(12);
    found.received = all.number(13);
    found.received_bytes = all.number(14);
    found.digest = Digest(static_cast<std::uint32_t>(all.number(15)));
    found.handed_upto = all.number(16);
    found.dropped_below = all.number(17);
    found.done = all.number(18);
    found.failed = all.number(19);
    found.outcomes_digest = all.number(20);
    found.consumed = all.number(21);
    found.results_end = all.number(22);
  }
}

void Recovery::read_forgotten() {
  for (Statement all(database_, "SELECT job FROM forgotten"); all.step();)
    recovered_.garbage.insert(JobId{all.number(0)});
}

void Recovery::read_chunks() {
  Statement all(database_, "SELECT job, first, count, bytes FROM chunks ORDER BY job, first");
  std::map<JobId, Index> reached;
  while (all.step()) {
    FoundJob* found = job_of(all.number(0), "chunks");
    if (found == nullptr) continue;
    const Index first = all.number(1);
    const Index end = first + all.number(2);
    if (end <= found->dropped_below) {
      recovered_.garbage.insert(found->job.job);
      continue;
    }
    const auto [at, is_first] = reached.try_emplace(found->job.job, found->dropped_below);
    if (is_first ? first > at->second : first != at->second) missing(*found, "tasks", at->second);
    at->second = end;
    if (first >= found->handed_upto) found->fresh_bytes += all.number(3);
  }
  for (const FoundJob& found : recovered_.found.jobs) {
    const auto at = reached.find(found.job.job);
    const Index end = at == reached.end() ? found.dropped_below : at->second;
    if (end < found.received) missing(found, "tasks", end);
  }
}

void Recovery::missing(const FoundJob& found, const char* what, std::uint64_t from) {
  database_.damaged(std::string(what) + " of job " + std::to_string(value(found.job.job)) + " from " +
                    std::to_string(from) + " on are missing");
}

void Recovery::read_endings() {
  Statement all(database_, "SELECT job, first, last, runs FROM endings ORDER BY job, first");
  while (all.step()) {
    FoundJob* found = job_of(all.number(0), "endings");
    if (found == nullptr) continue;
    const Index first = all.number(1);
    const Index last = all.number(2);
    if (last < found->dropped_below) {
      recovered_.garbage.insert(found->job.job);
    } else if (all.is_null(3)) {
      found->ended.push_back({first, last + 1 - first});
    } else {
      const auto runs = unpack_runs(all.bytes(3));
      if (!runs)
        database_.damaged("what has ended of job " + std::to_string(value(found->job.job)) + " cannot be read");
      found->ended.insert(found->ended.end(), runs->begin(), runs->end());
    }
  }
  for (FoundJob& found : recovered_.found.jobs) {
    found.ended = cut_below(merged(std::move(found.ended)), found.dropped_below);
  }
}

void Recovery::read_results() {
  Statement all(database_, "SELECT job, position, count, bytes, highest, payload FROM results ORDER BY job, position");
  while (all.step()) {
    FoundJob* found = job_of(all.number(0), "results");
    if (found == nullptr) continue;
    const std::uint64_t end = all.number(1) + all.number(2);
    if ((found->job.options.order ? all.number(4) + 1 : end) <= found->consumed) {
      recovered_.garbage.insert(found->job.job);
      continue;
    }
    found->results_bytes += all.number(3);
    found->results_index_end = std::max(found->results_index_end, all.number(4) + 1);
    if (found->job.options.results == ResultsPolicy::stream) read_unread(*found, all.number(1), all.number(5));
  }
}

// They are few: what a streaming job has that is not consumed is bounded by its windows.
void Recovery::read_unread(FoundJob& found, std::uint64_t position, std::uint64_t payload) {
  payload_.query(payload);
  if (!payload_.step()) missing(found, "results", position);
  auto pieces = unpack_results(payload_.bytes(0), Blob::copy_of(payload_.bytes(1)), found.job.job, position);
  payload_.reset();
  if (!pieces) {
    database_.damaged("results of job " + std::to_string(value(found.job.job)) + " from " + std::to_string(position) +
                      " on cannot be read");
  }
  for (JobResults& piece : *pieces) {
    const bool consumed = !found.job.options.order && piece.position + piece.outcomes.count() <= found.consumed;
    if (!consumed) found.unread.push_back(std::move(piece));
  }
}

void Recovery::read_failures() {
  Statement all(database_, "SELECT job, task, failures FROM failures ORDER BY job, task");
  while (all.step()) {
    FoundJob* found = job_of(all.number(0), "failures");
    if (found == nullptr) continue;
    const Index task = all.number(1);
    if (task < found->dropped_below || contains(found->ended, task)) continue;
    found->failures.emplace_back(task, static_cast<std::uint32_t>(all.number(2)));
  }
}

void Recovery::read_dead_letters() {
  Statement all(database_, "SELECT job, task, payload FROM dead_letters ORDER BY job, task");
  while (all.step()) {
    FoundJob* found = job_of(all.number(0), "dead_letters");
    if (found != nullptr) found->dead_letters.emplace_back(all.number(1), Blob::copy_of(all.bytes(2)));
  }
}

void Recovery::read_answers() {
  Statement all(database_, "SELECT id, client, done FROM answers ORDER BY id");
  Statement drains(database_, "SELECT worker, deadline_ms FROM drains WHERE answer = ? ORDER BY place");
  while (all.step()) {
    auto done = unpack_done(all.bytes(2));
    if (!done) database_.damaged("the answer " + std::to_string(all.number(0)) + " cannot be read");
    PutAnswer& answer = recovered_.found.answers.emplace_back();
    answer.client = Incarnation{all.number(1)};
    answer.done = std::move(*done);
    for (drains.query(all.number(0)); drains.step();) {
      answer.drains.push_back({Incarnation{drains.number(0)}, static_cast<std::uint32_t>(drains.number(1))});
    }
  }
}

void Recovery::keep_books() {
  for (const FoundJob& found : recovered_.found.jobs) {
    recovered_.books[found.job.job] = {
        found.received, found.received_bytes,  found.digest,   found.handed_upto, found.dropped_below,     found.done,
        found.failed,   found.outcomes_digest, found.consumed, found.results_end, found.job.options.order,
        found.job.options.results == ResultsPolicy::keep, true};
  }
}

}  // namespace

Recovered recover(Database& database) { return Recovery(database).read(); }

}  // namespace stint::broker
