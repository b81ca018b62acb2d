// RECALL: tasks come back from a worker that has not begun them, when somebody else could run them now, or nobody should.
//
// Quick tasks are handed out ahead (dispatch.cpp); where slow ones follow, that was too much. A lease that has given no result for a
// while is asked for what it has not started; its worker is given less ahead from then on, until it is measured to be quick again.
#include <algorithm>

#include "broker/core/broker.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {

void Broker::recall_hoarded() {
  recall_waits_ = false;
  if (hoarded_ == 0) return;
  recall_waits_ = true;
  timers_.remind(now_ + limits::kRecallAfter, TimerKind::recall, 0);
  for (const JobId id : leased_jobs_) {
    Job& job = *jobs_.at(id);
    if (!wants_room(job)) continue;
    for (const LeaseId lease_id : job.leases) {
      Lease& lease = *leases_.at(lease_id);
      Worker* worker = find_worker(lease.worker());
      const bool is_stuck = !lease.recalled && now_ - lease.last_result >= limits::kRecallAfter;
      if (!is_stuck || worker == nullptr || worker->held <= worker->slots) continue;
      lease.recalled = true;
      slow_down(*worker, job, now_ - lease.last_result);
      say(*worker, Recall{lease_id, {}, RecallMode::unstarted});
    }
  }
}

// An idle worker could run its tasks, a more urgent job waits behind them, or it is paused.
bool Broker::wants_room(const Job& job) const {
  if (job.paused || scheduler_.longest_idle(*job.kind) != nullptr) return true;
  return !job.kind->ready.empty() && job.kind->ready.begin()->minus_priority < -std::int64_t{job.priority};
}

// No result for so long: its tasks take at least that.
void Broker::slow_down(Worker& worker, Job& job, Duration silence) {
  Pace& pace = worker.paces[job.id];
  const double at_least = static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(silence).count());
  if (pace.mean_us < at_least) {
    if (pace.mean_us == 0) worker.unmeasured -= pace.held;
    worker.work_us += pace.held * (at_least - pace.mean_us);
    pace.mean_us = at_least;
  }
  pace.depth = worker.slots;
  update_room(worker);
}

}  // namespace stint::broker
