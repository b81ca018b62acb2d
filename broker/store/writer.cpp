#include "broker/store/writer.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "broker/store/rows.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

std::string joined_blobs(const std::vector<Blob>& blobs) {
  std::string all;
  std::size_t bytes = 0;
  for (const Blob& blob : blobs) bytes += blob.size();
  all.reserve(bytes);
  for (const Blob& blob : blobs) all += blob.view();
  return all;
}

JobId job_of(const Change& change) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.job; }) return one.job;
        return JobId{};
      },
      change);
}

// Its job has dropped or trimmed them already.
bool is_superfluous(const TaskRow& row, const JobBook& book) { return row.first + row.count <= book.dropped_below; }
bool is_superfluous(const ResultRow& row, const JobBook& book) {
  return (book.ordered ? row.highest + 1 : row.position + row.count) <= book.consumed;
}

// The statement that removes some rows of a job from a table: those that `which` holds for, its parameter.
std::string removal(std::string_view table, std::string_view key, std::string_view which) {
  std::string sql = "DELETE FROM ";
  sql.append(table).append(" WHERE job = ?1 AND ").append(key).append(" IN (SELECT ").append(key).append(" FROM ");
  sql.append(table).append(" WHERE job = ?1 AND ").append(which).append(" LIMIT ?3)");
  return sql;
}

}  // namespace

Writer::Writer(Database& database, Books books, std::uint64_t last_job, std::set<JobId> garbage)
    : database_(database),
      journal_(database),
      journaled_(journal_.read()),
      books_(std::move(books)),
      last_job_(last_job),
      garbage_(std::move(garbage)),
      is_behind_(!garbage_.empty()),
      begin_(database, "BEGIN IMMEDIATE"),
      end_(database, "COMMIT"),
      put_job_(database,
               "INSERT INTO jobs(job, parent, writer, options, priority, started, closed, paused, cancelled, ended, "
               "readers, failures_excused, reason) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
               "ON CONFLICT DO UPDATE SET parent = excluded.parent, "
               "writer = excluded.writer, options = excluded.options, priority = excluded.priority, "
               "started = excluded.started, closed = excluded.closed, paused = excluded.paused, "
               "cancelled = excluded.cancelled, ended = excluded.ended, readers = excluded.readers, "
               "failures_excused = excluded.failures_excused, reason = excluded.reason"),
      put_counts_(database, "INSERT OR REPLACE INTO counts VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      put_meta_(database, "UPDATE meta SET number = ? WHERE name = 'last_job'"),
      put_payload_(database, "INSERT INTO payloads(head, blob) VALUES(?, ?)"),
      put_chunk_(database, "INSERT INTO chunks VALUES(?, ?, ?, ?, ?)"),
      put_ending_(database, "INSERT INTO endings VALUES(?, ?, ?, ?)"),
      put_result_(database, "INSERT INTO results VALUES(?, ?, ?, ?, ?, ?, ?)"),
      put_failure_(database, "INSERT OR REPLACE INTO failures VALUES(?, ?, ?)"),
      put_letter_(database, "INSERT OR REPLACE INTO dead_letters VALUES(?, ?, ?)"),
      put_answer_(database, "INSERT INTO answers(client, done) VALUES(?, ?)"),
      put_drain_(database, "INSERT INTO drains VALUES(?, ?, ?, ?)"),
      trim_answers_(database, "DELETE FROM answers WHERE id <= ?"),
      trim_drains_(database, "DELETE FROM drains WHERE answer <= ?"),
      forget_job_(database, "DELETE FROM jobs WHERE job = ?"),
      forget_counts_(database, "DELETE FROM counts WHERE job = ?"),
      note_forgotten_(database, "INSERT OR IGNORE INTO forgotten VALUES(?)"),
      end_forgotten_(database, "DELETE FROM forgotten WHERE job = ?"),
      find_chunks_(database,
                   "SELECT first, payload, bytes FROM chunks WHERE job = ?1 AND first < ?2 AND "
                   "first + count <= ?2 ORDER BY first LIMIT ?3"),
      find_results_(database,
                    "SELECT position, payload, bytes FROM results WHERE job = ?1 AND position < ?2 AND "
                    "position + count <= ?2 ORDER BY position LIMIT ?3"),
      find_read_results_(database,
                         "SELECT position, payload, bytes FROM results WHERE job = ?1 AND lowest < ?2 AND "
                         "highest < ?2 ORDER BY lowest LIMIT ?3"),
      remove_chunk_(database, "DELETE FROM chunks WHERE job = ? AND first = ?"),
      remove_result_(database, "DELETE FROM results WHERE job = ? AND position = ?"),
      remove_payload_(database, "DELETE FROM payloads WHERE id = ?"),
      remove_endings_(database, removal("endings", "first", "first < ?2 AND last < ?2")),
      remove_failures_(database, removal("failures", "task", "task < ?2")),
      remove_letters_(database, removal("dead_letters", "task", "task < ?2")) {
  require_journal_follows();
}

// On what is in the tables.
void Writer::require_journal_follows() const {
  std::map<JobId, Index> received;
  for (const Change& change : journaled_) {
    const JobId job = job_of(change);
    const auto book = books_.find(job);
    if (book == books_.end()) database_.damaged("its journal speaks of job " + std::to_string(value(job)) + ", which is not there");
    Index& end = received.try_emplace(job, book->second.received).first->second;
    const auto* append = std::get_if<AppendTasks>(&change);
    if (append == nullptr) continue;
    if (append->first != end) {
      database_.damaged("tasks of job " + std::to_string(value(job)) + " from " + std::to_string(end) + " on are missing in its journal");
    }
    end += append->tasks.count();
  }
}

template <class Work>
void Writer::transact(Work work) {
  try {
    begin_.run();
    work();
    end_.run();
  } catch (...) {
    database_.roll_back();
    throw;
  }
}

void Writer::commit(const std::vector<Change>& changes) {
  if (is_to_journal(changes)) {
    transact([&] { journal_.append(changes); });
    journaled_.insert(journaled_.end(), changes.begin(), changes.end());
    ++journaled_commits_;
  } else {
    write_with_journaled(changes);
  }
  small_in_a_row_ = changes.size() <= limits::kStoreFewChanges ? small_in_a_row_ + 1 : 0;
}

// What is read back as soon as it is there would have to be written into its table then.
bool Writer::is_to_journal(const std::vector<Change>& changes) const {
  if (journaled_commits_ >= limits::kStoreJournalCommits || !Journal::takes(changes)) return false;
  return std::none_of(changes.begin(), changes.end(), [this](const Change& change) {
    const auto* outcomes = std::get_if<AppendOutcomes>(&change);
    return outcomes != nullptr && books_.at(outcomes->job).keeps;
  });
}

bool Writer::has_journaled(JobId job) const {
  return std::any_of(journaled_.begin(), journaled_.end(), [job](const Change& change) { return job_of(change) == job; });
}

Gathered Writer::gathered_with_journaled(const std::vector<Change>& changes) const {
  Gathered gathered(books_);
  for (const Change& change : journaled_) gathered.add(change);
  for (const Change& change : changes) gathered.add(change);
  return gathered;
}

void Writer::empty_journal() { write_with_journaled({}); }

void Writer::show_journaled() { write(gathered_with_journaled({})); }

void Writer::write_with_journaled(const std::vector<Change>& changes) {
  const Gathered gathered = gathered_with_journaled(changes);
  std::set<JobId> garbage;
  const bool sweeps = is_to_sweep(changes, gathered);
  transact([&] {
    write(gathered);
    if (has_journaled()) journal_.clear();
    garbage = garbage_with(gathered);
    if (sweeps) garbage = swept(std::move(garbage), &gathered);
  });
  settle(gathered, std::move(garbage));
  journaled_.clear();
  journaled_commits_ = 0;
  unswept_ = sweeps ? 0 : unswept_ + 1;
  if (sweeps) is_behind_ = has_garbage();
}

void Writer::write(const Gathered& gathered) {
  for (const auto& [job, delta] : gathered.jobs()) write(job, delta);
  for (const PutAnswer* answer : gathered.answers()) write(*answer);
}

void Writer::write(JobId job, const JobDelta& delta) {
  if (delta.put && value(job) > last_job_) put_meta_.run(value(job));
  if (delta.forgotten) return forget(job);
  if (delta.put) write(*delta.put);
  for (const TaskRow& row : delta.tasks) {
    if (!is_superfluous(row, delta.book)) write(job, row);
  }
  for (const ResultRow& row : delta.results) {
    if (!is_superfluous(row, delta.book)) write(job, row);
  }
  write_endings(job, cut_below(merged(delta.ended), delta.book.dropped_below));
  for (const auto& [task, failures] : delta.failures) put_failure_.run(job, task, failures);
  for (const auto& [task, letter] : delta.letters) put_letter_.run(job, task, letter.view());
  if (delta.counted || !books_.contains(job)) write_counts(job, delta.book);
}

void Writer::write(const PutJob& put) {
  put_job_.run(put.job, put.parent, put.writer, std::string_view(pack_options(put.options)), put.priority, put.started,
               put.closed, put.paused, put.cancelled, put.ended, put.readers, put.failures_excused, put.reason);
}

void Writer::write(JobId job, const TaskRow& row) {
  const Packed packed = pack_tasks(job, row.first, joined(row.parts));
  put_payload_.run(std::string_view(packed.head), packed.blob.view());
  put_chunk_.run(job, row.first, row.count, row.bytes, sqlite3_last_insert_rowid(database_.handle()));
}

void Writer::write(JobId job, const ResultRow& row) {
  if (row.blobs.size() == 1) {
    put_payload_.run(std::string_view(row.heads), row.blobs.front().view());
  } else {
    const std::string blob = joined_blobs(row.blobs);
    put_payload_.run(std::string_view(row.heads), std::string_view(blob));
  }
  put_result_.run(job, row.position, row.count, row.bytes, row.lowest, row.highest,
                  sqlite3_last_insert_rowid(database_.handle()));
}

void Writer::write_endings(JobId job, const std::vector<Run>& runs) {
  for (std::size_t at = 0; at < runs.size();) {
    std::size_t end = at + 1;
    std::uint64_t tasks = runs[at].count;
    while (end < runs.size() && end < at + limits::kStoreRunsPerRow && (tasks += runs[end].count) <= limits::kMaxBatchTasks) ++end;
    const Index first = runs[at].first;
    const Index last = runs[end - 1].end() - 1;
    if (end == at + 1) {
      put_ending_.run(job, first, last, nullptr);
    } else {
      put_ending_.run(job, first, last,
                      std::string_view(pack_runs({runs.begin() + static_cast<std::ptrdiff_t>(at),
                                                  runs.begin() + static_cast<std::ptrdiff_t>(end)})));
    }
    at = end;
  }
}

void Writer::write_counts(JobId job, const JobBook& book) {
  put_counts_.run(job, book.received, book.received_bytes, book.digest.value(), book.handed_upto, book.dropped_below,
                  book.done, book.failed, book.outcomes_digest, book.consumed, book.results_end);
}

void Writer::write(const PutAnswer& answer) {
  put_answer_.run(answer.client, std::string_view(pack_done(answer.done)));
  const auto id = static_cast<std::uint64_t>(sqlite3_last_insert_rowid(database_.handle()));
  for (std::size_t place = 0; place < answer.drains.size(); ++place) {
    put_drain_.run(id, place, answer.drains[place].worker, answer.drains[place].deadline_ms);
  }
  if (id <= limits::kStoredAnswers) return;
  trim_answers_.run(id - limits::kStoredAnswers);
  trim_drains_.run(id - limits::kStoredAnswers);
}

void Writer::forget(JobId job) {
  forget_job_.run(job);
  forget_counts_.run(job);
  note_forgotten_.run(job);
}

// The books follow only after the commit, so that a transaction can be repeated.
void Writer::settle(const Gathered& gathered, std::set<JobId> garbage) {
  garbage_ = std::move(garbage);
  for (const auto& [job, delta] : gathered.jobs()) {
    last_job_ = std::max(last_job_, value(job));
    if (delta.forgotten) {
      books_.erase(job);
    } else {
      books_[job] = delta.book;
    }
  }
}

// --- removing -------------------------------------------------------------------------------------------------------

void Writer::Budget::take(std::uint64_t row_bytes) {
  rows -= std::min<std::uint32_t>(rows, 1);
  bytes -= std::min(bytes, row_bytes);
}

void Writer::sweep() {
  std::set<JobId> garbage;
  transact([&] { garbage = swept(garbage_, nullptr); });
  garbage_ = std::move(garbage);
  is_behind_ = has_garbage();
}

// Removing touches pages that would not be written otherwise, so a few changes alone leave it to a later commit.
bool Writer::is_to_sweep(const std::vector<Change>& changes, const Gathered& gathered) const {
  if (changes.size() + journaled_.size() > limits::kStoreFewChanges || unswept_ + 1 >= limits::kStoreUnsweptCommits) return true;
  return std::any_of(gathered.jobs().begin(), gathered.jobs().end(), [](const auto& one) { return one.second.forgotten; });
}

std::set<JobId> Writer::garbage_with(const Gathered& gathered) const {
  std::set<JobId> garbage = garbage_;
  for (const auto& [job, delta] : gathered.jobs()) {
    if (delta.removes || delta.forgotten) garbage.insert(job);
  }
  return garbage;
}

// Removes as much as one transaction may, after `gathered` was written; the jobs that have more of it.
std::set<JobId> Writer::swept(std::set<JobId> left, const Gathered* gathered) {
  Budget budget;
  while (!left.empty()) {
    const JobId job = *left.begin();
    const JobBook* book = nullptr;
    if (const auto known = books_.find(job); known != books_.end()) book = &known->second;
    if (gathered != nullptr) {
      const auto delta = gathered->jobs().find(job);
      if (delta != gathered->jobs().end()) book = delta->second.forgotten ? nullptr : &delta->second.book;
    }
    if (book != nullptr) {
      sweep_live(job, *book, budget);
    } else {
      sweep_forgotten(job, budget);
    }
    if (budget.is_used_up()) return left;
    left.erase(left.begin());
  }
  return left;
}

void Writer::sweep_live(JobId job, const JobBook& book, Budget& budget) {
  remove_with_payloads(find_chunks_, remove_chunk_, job, book.dropped_below, budget);
  remove_with_payloads(book.ordered ? find_read_results_ : find_results_, remove_result_, job, book.consumed, budget);
  remove(remove_endings_, job, book.dropped_below, budget);
  if (book.failures) remove(remove_failures_, job, book.dropped_below, budget);
}

void Writer::sweep_forgotten(JobId job, Budget& budget) {
  constexpr std::uint64_t kAll = std::numeric_limits<std::int64_t>::max();
  remove_with_payloads(find_chunks_, remove_chunk_, job, kAll, budget);
  remove_with_payloads(find_results_, remove_result_, job, kAll, budget);
  for (Statement* statement : {&remove_endings_, &remove_failures_, &remove_letters_})
    remove(*statement, job, kAll, budget);
  if (!budget.is_used_up()) end_forgotten_.run(job);
}

void Writer::remove(Statement& statement, JobId job, std::uint64_t below, Budget& budget) {
  if (budget.is_used_up()) return;
  statement.run(job, below, budget.rows);
  budget.rows -= std::min(budget.rows, static_cast<std::uint32_t>(sqlite3_changes(database_.handle())));
}

void Writer::remove_with_payloads(Statement& find, Statement& statement, JobId job, std::uint64_t below,
                                  Budget& budget) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rows;
  if (budget.is_used_up()) return;
  find.query(job, below, budget.rows);
  while (!budget.is_used_up() && find.step()) {
    rows.emplace_back(find.number(0), find.number(1));
    budget.take(find.number(2));
  }
  find.reset();
  for (const auto& [key, payload] : rows) {
    statement.run(job, key);
    remove_payload_.run(payload);
  }
}

}  // namespace stint::broker
