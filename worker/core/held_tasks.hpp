// Which tasks of one lease the worker still has, and which of those it has been told to stop.
//
//   HeldTasks held(tasks.indices);                               // all are live
//   held.move(Phase::live, Phase::gone, index);                  // its result is in
//   held.move_runs(recall.runs, Phase::live, Phase::leaving);    // told to stop
//   hello.held.push_back({lease, job, held.runs()});
//
// One byte a task, found by its index in O(1) for a run and O(log n) for a table. What a peer names that is not of this
// lease counts as gone. Pure; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/model/batch.hpp"

namespace stint::worker {

enum class Phase : std::uint8_t {
  gone,     // ended, given back, or never ours
  live,     // unstarted or running; its result counts
  leaving,  // told to stop; no result of it is reported
};

class HeldTasks {
 public:
  HeldTasks() = default;
  explicit HeldTasks(const Indices& indices);

  std::uint32_t count(Phase phase) const { return counts_[static_cast<std::size_t>(phase)]; }
  bool empty() const { return count(Phase::live) + count(Phase::leaving) == 0; }
  Phase of(Index index) const;

  bool move(Phase from, Phase to, Index index);  // false, and nothing changed, when it was not `from`
  std::vector<Run> move_runs(const std::vector<Run>& runs, Phase from,
                             Phase to);  // those moved; no runs = the whole lease
  std::vector<Run> runs() const;         // all that are not gone

 private:
  std::size_t lower_bound(Index index) const;  // the position of the first task with an index not below `index`
  Index at(std::size_t position) const { return sorted_.empty() ? first_ + position : sorted_[position]; }
  void set(std::size_t position, Phase to);

  Index first_ = 0;
  std::vector<Index> sorted_;  // where the lease is no run
  std::vector<Phase> phases_;  // by position: in ascending order of the indices
  std::array<std::uint32_t, 3> counts_{};
};

// Adds the next index, in ascending order, to the runs that it belongs to.
void append(std::vector<Run>& runs, Index index);

// Sorted, and joined where they touch.
void normalise(std::vector<Run>& runs);

}  // namespace stint::worker
