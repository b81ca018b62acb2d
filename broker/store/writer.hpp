// Makes changes durable, one transaction at a time.
//
//   Writer writer(database, books);            // the books as recover() has read them
//   writer.commit(changes);                    // all of them are on the disk now, or it has thrown and none is
//   while (writer.is_behind()) writer.sweep();
//
// A small commit is one to the journal; its rows are written with a later one. What is not in its tables yet is not
// there to be read, nor removed.
//
// Rows that nobody needs any more go with a commit: with the one that makes them superfluous, or soon after if it is
// small. Of very many, some go with each commit, or alone with sweep(): removing a long job takes as long as reading it,
// and nobody is to wait for that.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "broker/store/database.hpp"
#include "broker/store/gather.hpp"
#include "broker/store/journal.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {

class Writer {
 public:
  // `last_job` is the highest number ever given to a job, `garbage` names jobs that have superfluous rows.
  // Throws StoreError where the journal does not follow on the tables.
  Writer(Database& database, Books books, std::uint64_t last_job, std::set<JobId> garbage);

  // Throws NoRoom when the disk is full, StoreError for all else; then nothing has changed.
  void commit(const std::vector<Change>& changes);

  bool has_journaled() const { return !journaled_.empty(); }
  bool has_journaled(JobId job) const;  // something of that job's
  void empty_journal();   // into the tables, in a transaction of its own; throws like commit()
  void show_journaled();  // in the tables, within a transaction of the caller's, who then rolls it back; nothing else may follow
  bool is_quiet() const { return small_in_a_row_ >= limits::kStoreQuietCommits; }  // the last commits were small

  bool has_garbage() const { return !garbage_.empty(); }
  bool is_behind() const { return is_behind_; }  // there is more than goes with the next commits
  void sweep();  // removes some of it, in a transaction of its own; throws like commit()

 private:
  void require_journal_follows() const;
  bool is_to_journal(const std::vector<Change>& changes) const;
  Gathered gathered_with_journaled(const std::vector<Change>& changes) const;
  void write_with_journaled(const std::vector<Change>& changes);
  void write(const Gathered& gathered);
  void write(JobId job, const JobDelta& delta);
  void write(const PutJob& put);
  void write(JobId job, const TaskRow& row);
  void write(JobId job, const ResultRow& row);
  void write_endings(JobId job, const std::vector<Run>& runs);
  void write_counts(JobId job, const JobBook& book);
  void write(const PutAnswer& answer);
  void forget(JobId job);
  void settle(const Gathered& gathered, std::set<JobId> garbage);

  template <class Work>
  void transact(Work work);

  // What one transaction may still remove.
  struct Budget {
    std::uint32_t rows = limits::kStoreSweepRows;
    std::uint64_t bytes = limits::kStoreSweepBytes;
    bool is_used_up() const { return rows == 0 || bytes == 0; }
    void take(std::uint64_t row_bytes);
  };

  bool is_to_sweep(const std::vector<Change>& changes, const Gathered& gathered) const;
  std::set<JobId> garbage_with(const Gathered& gathered) const;
  std::set<JobId> swept(std::set<JobId> left, const Gathered* gathered);
  void sweep_live(JobId job, const JobBook& book, Budget& budget);
  void sweep_forgotten(JobId job, Budget& budget);
  void remove(Statement& statement, JobId job, std::uint64_t below, Budget& budget);
  void remove_with_payloads(Statement& find, Statement& statement, JobId job, std::uint64_t below, Budget& budget);

  Database& database_;
  Journal journal_;
  std::vector<Change> journaled_;  // what is in it
  std::uint32_t journaled_commits_ = 0;
  std::uint64_t small_in_a_row_ = 0;  // commits
  Books books_;  // as the tables are
  std::uint64_t last_job_;
  std::set<JobId> garbage_;
  bool is_behind_;
  std::uint32_t unswept_ = 0;  // commits since the last one that removed rows

  Statement begin_, end_;
  Statement put_job_, put_counts_, put_meta_, put_payload_, put_chunk_, put_ending_, put_result_, put_failure_,
      put_letter_;
  Statement put_answer_, put_drain_, trim_answers_, trim_drains_;
  Statement forget_job_, forget_counts_, note_forgotten_, end_forgotten_;
  Statement find_chunks_, find_results_, find_read_results_, remove_chunk_, remove_result_, remove_payload_;
  Statement remove_endings_, remove_failures_, remove_letters_;
};

}  // namespace stint::broker
