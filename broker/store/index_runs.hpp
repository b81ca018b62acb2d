// Puts results that ended in any order into the order of their tasks.
//
//   IndexRuns runs(from);
//   runs.add(results);                        // in any order; what is below `from` is left out
//   if (runs.reached() > from) send(runs.take(bytes));
//
// Pure; one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/model/messages.hpp"

namespace stint::broker {

class IndexRuns {
 public:
  explicit IndexRuns(Index from) : from_(from), reached_(from) {}

  void add(const JobResults& results);

  Index reached() const { return reached_; }  // all from `from` up to here are there
  std::uint64_t reached_bytes() const { return reached_bytes_; }
  std::optional<Index> next() const;  // the lowest there is

  // From `from` on, without a gap: as many as fit into `bytes`, at least one piece if there is one.
  std::vector<JobResults> take(std::uint64_t bytes);

 private:
  void insert(JobResults run);

  Index from_;
  Index reached_;
  std::uint64_t reached_bytes_ = 0;
  std::map<Index, JobResults> runs_;  // by first index; each a run of consecutive tasks
};

}  // namespace stint::broker
