// A run of tasks handed to one worker incarnation. It ends with its results, its release, or the worker's loss; its number fences
// every answer. One object for each TASKS message, not one for each task.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/model/messages.hpp"
#include "common/model/time.hpp"

namespace stint::broker {

class Lease {
 public:
  Lease(LeaseId id, JobId job, Incarnation worker, Indices indices, Attempt attempt, Suspicion suspicion, std::uint64_t bytes);

  LeaseId id() const { return id_; }
  JobId job() const { return job_; }
  Incarnation worker() const { return worker_; }
  Attempt attempt() const { return attempt_; }
  Suspicion suspicion() const { return suspicion_; }
  std::uint64_t bytes() const { return bytes_; }  // payload bytes when it was handed out
  std::uint32_t open() const { return open_; }    // tasks not yet ended or given back

  // Revoked: its job was cancelled. Its tasks count no more, but occupy the worker until it answers.
  bool revoked = false;

  bool recalled = false;     // asked to give back what has not started, and not yet answered
  TimePoint last_result{};   // or when it was handed out

  // Takes a task out of the lease; false when it is not (or no longer) in it.
  bool take(Index index);
  bool holds(Index index) const;

  // Takes a whole run out at once when each of its tasks is still in the lease; else changes nothing and says false.
  bool take(Run run);

  std::vector<Run> open_runs() const;  // what is still in it

 private:
  std::optional<std::uint32_t> position(Index index) const;
  bool is_gone(std::uint32_t position) const;
  void set_gone(std::uint32_t position);

  LeaseId id_;
  JobId job_;
  Incarnation worker_;
  Indices indices_;  // ascending
  Attempt attempt_;
  Suspicion suspicion_;
  std::uint64_t bytes_;
  std::uint32_t open_;
  std::uint32_t prefix_ = 0;   // everything before is gone: most workers answer in order, and then no bits are needed
  std::vector<bool> gone_;     // by position; empty until something ends out of order
};

// Consecutive indices gathered into runs. Requires: ascending.
class RunBuilder {
 public:
  void add(Index index);
  std::vector<Run> take() { return std::move(runs_); }

 private:
  std::vector<Run> runs_;
};

}  // namespace stint::broker
