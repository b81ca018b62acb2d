// Runs tasks on slots. Owned by the I/O thread; what it tells comes from harvest().
//
//   Executor executor(wakeup);
//   executor.set_slots(4);
//   executor.run(tasks, handler, now());
//   ...
//   executor.fall_asleep();                                  // from here on slots wake us
//   if (!executor.has_news()) wait({..., wakeup->fd()}, min(..., executor.next_deadline()));
//   executor.awake();
//   Harvest harvest = executor.harvest(now());
//
// Its slots, and what they share with it, outlive it when a handler never returns.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "worker/runtime/slot.hpp"

namespace stint::worker {

class Executor {
 public:
  explicit Executor(std::shared_ptr<Wakeup> wakeup);
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  ~Executor() { shut_down(Duration::zero()); }

  void set_slots(unsigned slots);  // when fewer: the others end their task first
  unsigned slots() const { return static_cast<unsigned>(slots_.size()); }

  void run(const RunTasks& tasks, std::shared_ptr<const Handler> handler, TimePoint now);
  std::vector<Run> stop(const StopTasks& order);  // what is given back at once
  void stop_overtime(const StopOvertime& order, TimePoint now);
  bool write_off(const WriteOff& order, TimePoint now);
  void hold_back(bool on) { common_->queue.hold_back(on); }
  void obey(const Obey& limits);

  Harvest harvest(TimePoint now);
  bool has_news() const;
  void fall_asleep() { common_->io = wait_until_ ? Sleep::brief : Sleep::deep; }
  void awake() { common_->io = Sleep::none; }
  TimePoint next_deadline() const;  // when what waits may be harvested

  // Stops everything. False when a handler has not returned within `patience`; its thread is left alone then.
  bool shut_down(Duration patience);

 private:
  void judge(const Harvest& harvest, TimePoint now);
  void forget_retired();

  std::shared_ptr<SlotCommon> common_ = std::make_shared<SlotCommon>();
  std::vector<std::shared_ptr<Slot>> slots_;    // in use
  std::vector<std::shared_ptr<Slot>> retired_;  // ending, or stuck
  unsigned last_slot_ = 0;
  std::unordered_map<Ticket, std::weak_ptr<Parcel>> parcels_;
  TimePoint progress_at_{};  // not before this
  bool are_quick_ = false;   // the tasks of which results came last
  // While set, results of what is worked on may wait: the first of them until then; or, if there are none, for some until then.
  std::optional<TimePoint> wait_until_;
};

}  // namespace stint::worker
