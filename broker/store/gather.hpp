// Folds changes into what one transaction writes: a row of counts for each job, consecutive tasks and results in as few
// rows as their size allows, ended tasks as runs. So batches of one cost little when many of them gather.
//
//   Gathered gathered(books);
//   for (const Change& change : changes) gathered.add(change);
//   for (const auto& [id, delta] : gathered.jobs()) write(id, delta);
//
// Pure; one thread at a time. The books are not changed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/core/changes.hpp"

namespace stint::broker {

// The counts of a job as they stand in its tables.
struct JobBook {
  Index received = 0;
  std::uint64_t received_bytes = 0;
  Digest digest;
  Index handed_upto = 0;
  Index dropped_below = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t outcomes_digest = 0;
  std::uint64_t consumed = 0;
  std::uint64_t results_end = 0;
  bool ordered = false;   // consumed is an index
  bool keeps = false;     // results = keep: they are read back from the store
  bool failures = false;  // it may have rows of failures
  friend bool operator==(const JobBook&, const JobBook&) = default;
};

using Books = std::map<JobId, JobBook>;

struct TaskRow {
  Index first = 0;
  std::uint32_t count = 0;
  std::uint64_t bytes = 0;
  std::vector<Batch> parts;
};

struct ResultRow {
  std::uint64_t position = 0;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  Index lowest = 0;
  Index highest = 0;
  std::string heads;
  std::vector<Blob> blobs;
};

// What becomes of one job.
struct JobDelta {
  JobBook book;  // as it is from then on
  std::optional<PutJob> put;
  std::vector<TaskRow> tasks;
  std::vector<ResultRow> results;
  std::vector<Run> ended;  // as they came; see merged()
  std::map<Index, std::uint32_t> failures;
  std::map<Index, Blob> letters;
  bool counted = false;    // the book has changed
  bool removes = false;    // rows have become superfluous
  bool forgotten = false;  // nothing else counts then
};

class Gathered {
 public:
  explicit Gathered(const Books& books) : books_(books) {}

  void add(const Change& change);

  const std::map<JobId, JobDelta>& jobs() const { return jobs_; }
  const std::vector<const PutAnswer*>& answers() const { return answers_; }  // they point into the changes

 private:
  void take(const PutJob& put);
  void take(const AppendTasks& append);
  void take(const ReserveTasks& reserve);
  void take(const AppendOutcomes& append);
  void take(const CountFailures& count);
  void take(const TrimResults& trim);
  void take(const DropTasks& drop);
  void take(const ForgetJob& forget);
  void take(const PutAnswer& answer) { answers_.push_back(&answer); }
  JobDelta& delta_of(JobId job);

  const Books& books_;
  std::map<JobId, JobDelta> jobs_;
  std::vector<const PutAnswer*> answers_;
};

void append_runs(std::vector<Run>& runs, const Indices& indices);  // in their order

// The same runs sorted, and those that touch each other as one.
std::vector<Run> merged(std::vector<Run> runs);

// Of merged runs, what lies at or above `below`.
std::vector<Run> cut_below(std::vector<Run> runs, Index below);

}  // namespace stint::broker
