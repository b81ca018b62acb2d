// The tasks of one job that have not ended: chunks as they arrived, and the few that left the normal path.
//
//   queue.append(batch);
//   auto fresh = queue.take_fresh(max_tasks, max_bytes);   // a slice of one chunk, never handed out before
//   queue.end(index);                                      // its chunk is freed with its last task
//
// A task that was handed out before and waits again (lost, failed, given back) is a Single, with its own copy of the payload where
// that is small, so that one late task does not pin the chunk that it came in.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "common/model/batch.hpp"
#include "common/model/messages.hpp"
#include "common/model/time.hpp"

namespace stint::broker {

struct Single {
  enum class Where : std::uint8_t { ready, delayed, leased };

  Blob payload;
  Where where = Where::ready;
  TimePoint due{};
  Attempt attempts = 0;  // handing-outs so far
  std::uint32_t failures = 0;
  std::uint32_t losses = 0;
  Suspicion suspicion = Suspicion::none;
  Incarnation failed_at{};      // the worker whose handler said no last ...
  TimePoint elsewhere_until{};  // ... and until when another one is preferred
  LeaseId last_lease{};  // the lease that it was last lost from
  std::string history;   // the workers lost while running it

  bool avoids(Incarnation worker, TimePoint now) const { return worker == failed_at && now < elsewhere_until; }
};

struct FreshTasks {
  Run run;
  Batch tasks;
};

class TaskQueue {
 public:
  // --- chunks ---
  void append(Batch tasks);
  Index received() const { return received_; }              // tasks appended
  std::uint64_t received_bytes() const { return received_bytes_; }
  Index fresh() const { return fresh_; }                    // the first task never handed out
  std::uint64_t fresh_bytes() const { return received_bytes_ - handed_bytes_; }  // of those never handed out
  std::uint64_t handed_bytes() const { return handed_bytes_; }

  // The next fresh tasks that lie in one chunk: at most max_tasks, and at most max_bytes unless one alone is larger.
  // Requires: fresh() < upto <= received(), max_tasks > 0.
  FreshTasks take_fresh(Index upto, std::uint32_t max_tasks, std::uint64_t max_bytes);

  // --- tasks off the normal path ---
  void separate(Run run);              // makes singles of tasks that were handed out once; one walk through the sizes
  Single& single(Index index);         // the same for one task
  Single* find_single(Index index);    // null: it is fresh, or handed out for the first time, or has ended
  void make_ready(Index index, Suspicion suspicion);
  void delay(Index index, TimePoint due);
  void lease(Index index);             // ready or delayed -> leased
  const std::set<Index>& ready(Suspicion suspicion) const { return ready_[static_cast<std::size_t>(suspicion)]; }
  bool has_ready(Suspicion suspicion) const { return !ready(suspicion).empty(); }
  bool has_ready() const { return !ready_[0].empty() || !ready_[1].empty() || !ready_[2].empty(); }
  std::optional<TimePoint> next_due() const;
  std::vector<Index> take_due(TimePoint now);  // delayed tasks whose wait is over, made ready

  // --- endings ---
  void end(Index index);
  void end(Run run);
  void clear();  // everything at once: the job was cancelled

  std::size_t singles() const { return singles_.size(); }
  std::size_t delayed() const { return delayed_.size(); }

 private:
  struct Chunk {
    Index first = 0;
    std::uint32_t count = 0;
    std::uint32_t ended = 0;
    Batch tasks;
  };

  std::size_t chunk_of(Index index) const;
  void end_in_chunk(Run run);
  void leave(Index index, Single& single);  // the ready or delayed list
  std::set<Index>& ready_list(const Single& single) { return ready_[static_cast<std::size_t>(single.suspicion)]; }

  std::deque<Chunk> chunks_;  // ascending; ended ones are empty until they are at the front
  std::size_t fresh_chunk_ = 0;      // position of the chunk with the first fresh task
  std::uint32_t fresh_in_chunk_ = 0;
  std::uint32_t fresh_offset_ = 0;
  Index received_ = 0;
  Index fresh_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t handed_bytes_ = 0;

  std::unordered_map<Index, Single> singles_;
  std::set<Index> ready_[3];  // by suspicion
  std::set<std::pair<TimePoint, Index>> delayed_;
};

}  // namespace stint::broker
