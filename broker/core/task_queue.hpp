// The tasks of one job that have not ended: chunks as they arrived, and the few that left the normal path.
//
//   queue.append(batch);
//   auto fresh = queue.take_fresh(max_tasks, max_bytes);   // a slice of one chunk, never handed out before
//   queue.end(index);                                      // its chunk is freed with its last task
//
// Of a long backlog that lies in the store only the front is held here: page_out() lets go of payloads, missing() says what is needed
// again, fill() brings it back. Neighbouring chunks without their payloads are one chunk, so a backlog costs the same at any length.
//
// A task that was handed out before and waits again (lost, failed, given back) is a Single, with its own copy of the payload where
// that is small, so that one late task does not pin the chunk that it came in. So is each that was found unended after a restart: a
// worker may still hold it, and claims it; those that nobody claims are handed out again.
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
  enum class Where : std::uint8_t { ready, delayed, leased, unclaimed };

  Blob payload;
  bool has_payload = true;  // false: it is in the store
  bool was_found = false;   // after a restart, and not handed out since: whoever comes back with it may keep it
  Where where = Where::ready;
  TimePoint due{};
  Attempt attempts = 0;  // handing-outs so far
  std::uint32_t failures = 0;
  std::uint32_t losses = 0;
  Suspicion suspicion = Suspicion::none;
  Incarnation failed_at{};      // the worker whose handler said no last ...
  TimePoint elsewhere_until{};  // ... and until when another one is preferred
  LeaseId last_lease{};  // the lease that it was last lost from
  LeaseId answered{};    // the newest lease in which its handler said no: it and those before it do not come back
  LeaseId returned{};    // the lease with which its worker came back, and has it
  std::string history;   // the workers lost while running it

  bool may_return(LeaseId lease) const { return where != Where::leased && lease > answered && (was_found || last_lease == lease); }
  bool yields_to(LeaseId lease) const { return where == Where::leased && was_found && returned != LeaseId{} && returned < lease; }
  bool avoids(Incarnation worker, TimePoint now) const { return worker == failed_at && now < elsewhere_until; }
};

// What is known of a job's tasks after a restart.
struct FoundTasks {
  Index received = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t fresh_bytes = 0;  // of those never handed out, about
  Index handed_upto = 0;
  Index ended_below = 0;
  std::vector<Run> ended;         // between the two: sorted, disjoint
  std::vector<std::pair<Index, std::uint32_t>> failures;
};

struct FreshTasks {
  Run run;
  Batch tasks;
};

class TaskQueue {
 public:
  // --- chunks ---
  void append(Batch tasks);
  void restore(const FoundTasks& found);  // once, before anything else
  Index received() const { return received_; }              // tasks appended
  std::uint64_t received_bytes() const { return received_bytes_; }
  Index fresh() const { return fresh_; }                    // the first task never handed out
  std::uint64_t fresh_bytes() const { return fresh_bytes_; }  // payloads held here of those never handed out
  std::uint64_t handed_bytes() const { return handed_bytes_; }

  // The next fresh tasks that lie in one chunk: at most max_tasks, and at most max_bytes unless one alone is larger.
  // Requires: fresh() < upto <= received(), fresh() < fresh_held(), max_tasks > 0.
  FreshTasks take_fresh(Index upto, std::uint32_t max_tasks, std::uint64_t max_bytes);

  Index fresh_held() const;  // fresh tasks below have their payload here, as far as their chunk goes

  // --- payloads in the store ---
  // Tasks below `upto` are durable: the payloads of those that have become so are let go, as far as more than `most` bytes are held.
  void page_out(Index upto, std::uint64_t most);
  // The first task whose payload is needed and not here: one off the normal path, or a fresh one when less than `ahead` bytes are held
  // before it.
  std::optional<Index> missing(std::uint64_t ahead) const;
  void want(Index index);                     // its payload is needed, whatever becomes of it
  void fill(Index first, const Batch& tasks); // what was read back; tasks that are not missing are passed over

  // --- tasks off the normal path ---
  void separate(Run run);              // makes singles of tasks that were handed out once; one walk through the sizes
  Single& single(Index index);         // the same for one task
  Single* find_single(Index index);    // null: it is fresh, or handed out for the first time, or has ended
  void make_ready(Index index, Suspicion suspicion);
  void delay(Index index, TimePoint due);
  void lease(Index index);             // ready, delayed or unclaimed -> leased
  std::vector<Index> take_unclaimed(); // nobody has claimed them: made ready
  bool has_unclaimed() const { return !unclaimed_.empty(); }
  const std::set<Index>& ready(Suspicion suspicion) const { return ready_[static_cast<std::size_t>(suspicion)]; }
  bool has_ready(Suspicion suspicion) const { return !ready(suspicion).empty(); }
  bool has_ready() const { return !ready_[0].empty() || !ready_[1].empty() || !ready_[2].empty(); }
  std::optional<TimePoint> next_due() const;
  std::vector<Index> take_due(TimePoint now);  // delayed tasks whose wait is over, made ready

  // --- endings ---
  Index ended_below() const { return chunks_.empty() ? received_ : chunks_.front().first; }  // every task below has ended
  void end(Index index);
  void end(Run run);
  void clear();  // everything at once: the job was cancelled

  std::size_t singles() const { return singles_.size(); }
  std::size_t delayed() const { return delayed_.size(); }

 private:
  struct Chunk {
    Index first = 0;
    std::uint64_t count = 0;
    std::uint64_t ended = 0;
    bool is_here = true;  // false: its payloads are in the store
    Batch tasks;

    Index end() const { return first + count; }
  };

  std::size_t chunk_of(Index index) const;
  void locate_fresh();
  void fill_singles(Index first, const Batch& tasks);
  void split(std::size_t at, Index first, Batch tasks);
  void end_in_chunk(Run run);
  void leave(Index index, Single& single);  // the ready or delayed list
  std::set<Index>& ready_list(const Single& single) { return ready_[static_cast<std::size_t>(single.suspicion)]; }

  std::deque<Chunk> chunks_;  // ascending; ended ones are empty until they are at the front
  std::size_t durable_chunks_ = 0;   // positions below: page_out() has seen them
  std::size_t fresh_chunk_ = 0;      // position of the chunk with the first fresh task
  std::uint32_t fresh_in_chunk_ = 0;
  std::uint32_t fresh_offset_ = 0;
  Index received_ = 0;
  Index fresh_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t handed_bytes_ = 0;
  std::uint64_t fresh_bytes_ = 0;

  std::unordered_map<Index, Single> singles_;
  std::set<Index> ready_[3];  // by suspicion; only those whose payload is here
  std::set<Index> absent_;    // whose payload is needed
  std::set<Index> unclaimed_;
  std::set<std::pair<TimePoint, Index>> delayed_;
};

}  // namespace stint::broker
