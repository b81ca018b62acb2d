// Tasks come back without a result: given back by the worker, or lost with it.
#include "broker/core/broker.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

Suspicion next_step(Suspicion suspicion) {
  return suspicion == Suspicion::none ? Suspicion::one_per_slot : Suspicion::alone;
}

}  // namespace

// RELEASE: free of charge, the tasks are queued again as if they had not been handed out.
void Broker::on_release(Worker& worker, const Release& release) {
  const auto at = leases_.find(release.lease);
  if (at == leases_.end() || at->second->worker() != worker.incarnation) return;
  Lease& lease = *at->second;
  lease.recalled = false;
  for (const Run& named : release.runs) {
    for (const Run& open : lease.open_runs()) {
      const Index first = std::max(named.first, open.first);
      const Index end = std::min(named.end(), open.end());
      if (first < end) take_back(lease, {first, end - first});
    }
  }
  settle_lease(lease);
  stirred_workers_.insert(worker.incarnation);
}

// Takes tasks out of a lease and queues them again, free of charge. Requires: all of the run is in the lease.
void Broker::take_back(Lease& lease, Run run) {
  lease.take(run);
  Job* job = find_job(lease.job());
  if (Worker* worker = find_worker(lease.worker())) let_go(*worker, lease, run.count);
  if (lease.revoked || job == nullptr) return;
  job->tasks.separate(run);
  for (Index index = run.first; index < run.end(); ++index) job->tasks.make_ready(index, lease.suspicion());
  move(*job, TaskState::running, TaskState::queued, run.count);
  tell_step(*job, "given_back", Indices(run), {});
}

void Broker::let_go(Worker& worker, const Lease& lease, std::uint64_t count) {
  if (lease.suspicion() != Suspicion::none) worker.suspects -= static_cast<std::uint32_t>(count);
  hold(worker, lease.job(), -static_cast<std::int64_t>(count));
}

void Broker::give_back(Lease& lease) {
  for (const Run& run : lease.open_runs()) take_back(lease, run);
  drop_lease(lease);
}

// The worker is gone without a word: what it held goes to others.
void Broker::lose(Worker& worker) {
  const auto leases = worker.leases;
  for (const LeaseId id : leases) {
    Lease& lease = *leases_.at(id);
    Job* job = find_job(lease.job());
    if (job != nullptr && !lease.revoked) lose(lease, *job, worker);
    if (job == nullptr || lease.revoked) let_go(worker, lease, lease.open());
    drop_lease(lease);
  }
}

// A loss charges nobody at first: the unfinished tasks climb one step of suspicion. Only the one that was alone when its worker went,
// and was there often enough, fails for it.
void Broker::lose(Lease& lease, Job& job, Worker& worker) {
  ++job.losses;
  OutcomesBuilder failed;
  for (const Run& run : lease.open_runs()) {
    job.tasks.separate(run);
    lease.take(run);
    for (Index index = run.first; index < run.end(); ++index) {
      Single& task = job.tasks.single(index);
      ++task.losses;
      task.last_lease = lease.id();
      if (task.history.size() < limits::kMaxTextBytes / 2) task.history += (task.history.empty() ? "" : ", ") + escaped(worker.name);
      if (lease.suspicion() == Suspicion::alone && task.losses >= job.options.max_losses) {
        const std::string text = "its worker was lost while running it, " + std::to_string(task.losses) + " times: " + task.history;
        failed.not_done(index, Failure::lost, {}, text, 0);
        continue;
      }
      job.tasks.make_ready(index, next_step(lease.suspicion()));
      move(job, TaskState::running, TaskState::queued, 1);
      ++job.redone;
    }
    tell_step(job, "lost", Indices(run), worker.name);
    let_go(worker, lease, run.count);
  }
  if (!failed.empty()) decide(job, {job.id, 0, lease.attempt(), {}, failed.take()});
}

// PROGRESS: how far a running task is, for watchers only.
void Broker::on_progress(Worker& worker, const Progress& progress) {
  const auto at = leases_.find(progress.lease);
  if (at == leases_.end() || at->second->worker() != worker.incarnation || !at->second->holds(progress.index)) return;
  const std::string topic = step_topic(at->second->job());
  if (!events_.wanted(topic)) return;
  events_.publish(*out_, topic, "task_progress",
                  Row{{"job", value(at->second->job())},
                      {"index", progress.index},
                      {"fraction", progress.fraction},
                      {"text", progress.text},
                      {"worker", worker.name}});
}

// STATE: what the worker offers has changed.
void Broker::on_state(Worker& worker, const State& state) {
  if (std::string wrong = complaint_about(state.kinds); !wrong.empty() && !(state.kinds.empty() && state.draining)) {
    return reject(worker, ErrorCode::bad_value, std::move(wrong));
  }
  const bool was_draining = worker.draining;
  advertise(worker, state.kinds.empty() ? worker.kinds : state.kinds, state.slots, state.draining || worker.drain_asked);
  tell(worker, worker.draining && !was_draining ? "draining" : "changed");
  stirred_workers_.insert(worker.incarnation);
}

}  // namespace stint::broker
