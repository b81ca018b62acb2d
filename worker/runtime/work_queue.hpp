// What is to be run: of each job in the order in which it came, and the jobs in turn, so that the few tasks of a small
// job do not wait behind all that is there of a large one. A slot that has worked on one piece for limits::kJobTurn asks
// again, and gets that of the next job. Filled by the I/O thread; slots wait here when they have nothing to do.
//
//   queue.push(work);                               // wakes no more slots than there are tasks
//   while (auto work = queue.next(retired)) ...     // a slot: waits; nothing = end
//   queue.take_back(ticket, runs);                  // the I/O thread: what has not started
//
// One lock for each piece of work or turn and slot, none for each task. May be used from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "worker/runtime/work.hpp"

namespace stint::worker {

class WorkQueue {
 public:
  void push(std::shared_ptr<Work> work);
  std::shared_ptr<Work> next(const std::atomic<bool>& retired);             // null: closed, or this slot is retired
  std::vector<Run> take_back(Ticket ticket, const std::vector<Run>& runs);  // no runs = all of the ticket
  std::uint32_t queued() const;

  void hold_back(bool on);
  bool held_back() const { return held_back_.load(std::memory_order_relaxed); }
  void wake_all();  // somebody is retired
  void close();

 private:
  using Pieces = std::deque<std::shared_ptr<Work>>;
  bool has_work();  // the job whose turn it is has some then
  void add(std::shared_ptr<Work> work);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<JobId, Pieces> pieces_;  // of each job that has some, perhaps exhausted
  std::deque<JobId> turns_;                   // those jobs; the first is next
  unsigned waiting_ = 0;
  bool closed_ = false;
  std::atomic<bool> held_back_{false};
};

}  // namespace stint::worker
