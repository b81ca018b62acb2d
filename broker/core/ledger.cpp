// The total ledger: what must hold after every step, whatever the peers do. The jobs and workers that a step has stirred are checked
// in it, in release builds too, before anything that it decided leaves the broker.
#include "broker/core/broker.hpp"
#include "common/model/limits.hpp"
#include "common/model/require.hpp"

namespace stint::broker {
namespace {

constexpr std::size_t kLeasesCounted = 64;  // of a worker, within a step; with more, only the whole ledger counts them

}  // namespace

void Broker::check(const Job& job) const {
  STINT_PROMISE(job.counts.total() == job.tasks.received(), "each task is in exactly one state, and they add up to the total");
  STINT_PROMISE(job.counts.delayed == job.tasks.delayed(), "each delayed task waits for its time");
  STINT_PROMISE(job.told.counts.ended() <= job.counts.ended(), "no end is told before it is decided");
  STINT_PROMISE(job.told.accepted <= job.tasks.received(), "no task is accepted that was not received");
  STINT_PROMISE(job.tasks.fresh() <= job.told.accepted || job.cancelled, "no task is handed out that was not accepted");
  STINT_PROMISE(job.counts.ended() + limits::kMaxUnendedTasks >= job.tasks.fresh() || job.cancelled,
                "no more tasks are handed out and unended than the limit allows");
  STINT_PROMISE(!job.ended || job.counts.left() == 0, "a job has ended when nothing of it is left");
  STINT_PROMISE(!job.told.ended || job.ended, "the end of a job is told after it is decided");
}

void Broker::check(const Worker& worker) const {
  if (worker.leases.size() > kLeasesCounted) return;
  std::uint64_t held = 0;
  for (const LeaseId id : worker.leases) {
    const auto at = leases_.find(id);
    STINT_PROMISE(at != leases_.end() && at->second->worker() == worker.incarnation, "a lease belongs to one worker");
    held += at->second->open();
  }
  STINT_PROMISE(worker.held == held, "a worker holds what its leases say");
}

void Broker::check_invariants() const {
  std::map<JobId, std::uint64_t> running;
  std::map<Incarnation, std::uint64_t> held;
  for (const auto& [id, lease] : leases_) {
    STINT_REQUIRE(lease->id() == id && lease->open() > 0);
    if (!lease->revoked) running[lease->job()] += lease->open();
    held[lease->worker()] += lease->open();
    const Worker* worker = find_worker(lease->worker());
    STINT_PROMISE(worker != nullptr && worker->leases.contains(id), "a lease belongs to one worker");
    const Job* job = find_job(lease->job());
    STINT_PROMISE(lease->revoked || (job != nullptr && job->leases.contains(id)), "a lease belongs to one job");
  }
  std::uint64_t backlog = 0;
  for (const auto& [id, job] : jobs_) {
    check(*job);
    STINT_REQUIRE(job->leases.empty() != leased_jobs_.contains(id));
    STINT_PROMISE(job->counts.running == running[id], "each running task is in one lease");
    backlog += job->tasks.fresh_bytes();
  }
  STINT_PROMISE(backlog == backlog_bytes_, "the backlog that is bounded is the one there is");
  std::uint64_t hoarded = 0;
  for (const auto& [name, worker] : workers_) {
    STINT_PROMISE(worker->held == held[worker->incarnation], "a worker holds what its leases say");
    STINT_REQUIRE(worker->name == name);
    hoarded += worker->held - std::min(worker->held, worker->slots);
    if (worker->reserved_for == JobId{}) continue;
    const Job* job = find_job(worker->reserved_for);
    STINT_PROMISE(job != nullptr && job->reserved == worker->incarnation && !job->paused && job->tasks.has_ready(Suspicion::alone),
                  "a worker is kept free only for a task that waits to be alone");
  }
  STINT_REQUIRE(hoarded == hoarded_);
  STINT_REQUIRE(by_address_.size() <= peers_.size() && by_session_.size() == peers_.size());
}

}  // namespace stint::broker
