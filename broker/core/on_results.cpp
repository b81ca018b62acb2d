// RESULTS: a worker tells how tasks of one lease ended. What is not (or no longer) in the lease is late: it changes nothing, and is
// acknowledged all the same, so that the worker can forget it.
#include <algorithm>

#include "broker/core/broker.hpp"
#include "common/model/digest.hpp"
#include "common/model/limits.hpp"
#include "common/session/backoff.hpp"

namespace stint::broker {
namespace {

// Takes the tasks out of the lease; what is returned are the outcomes of those that were in it.
Outcomes fenced(Lease& lease, const Outcomes& outcomes) {
  if (outcomes.indices.is_run() && lease.take(outcomes.indices.run())) return outcomes;
  std::vector<bool> in_lease(outcomes.count());
  bool all = true;
  for (std::uint32_t i = 0; i < outcomes.count(); ++i) {
    in_lease[i] = lease.take(outcomes.indices.at(i));
    all = all && in_lease[i];
  }
  if (all) return outcomes;
  OutcomesBuilder rest;
  for (OutcomeCursor task(outcomes); !task.done(); task.next()) {
    if (in_lease[task.position()]) rest.copy(task);
  }
  return rest.take();
}

}  // namespace

void Broker::on_results(Worker& worker, const LeaseResults& results) {
  worker.ack_upto = current_seq_;
  const auto at = leases_.find(results.lease);
  if (at != leases_.end() && at->second->worker() == worker.incarnation) {
    Lease& lease = *at->second;
    lease.last_result = now_;
    Job* job = find_job(lease.job());
    const Outcomes outcomes = fenced(lease, results.outcomes);
    const std::uint32_t count = outcomes.count();
    late_ += results.outcomes.count() - count;
    let_go(worker, lease, count);
    if (job != nullptr && count > 0) {
      if (!job->ended) measure(worker, *job, outcomes.total_micros(), count);
      if (!lease.revoked) end_tasks(worker, *job, lease, outcomes);
    }
    settle_lease(lease);
  }
  when_committed(WorkerAnswered{worker.incarnation, worker.session(), current_seq_, results.outcomes.blob.size()});
  stirred_workers_.insert(worker.incarnation);
}

// A lease without open tasks is over.
void Broker::settle_lease(Lease& lease) {
  if (lease.open() == 0) drop_lease(lease);
}

void Broker::drop_lease(Lease& lease) {
  if (Job* job = find_job(lease.job())) {
    job->leases.erase(lease.id());
    if (job->leases.empty()) leased_jobs_.erase(job->id);
  }
  if (Worker* worker = find_worker(lease.worker())) {
    worker->leases.erase(lease.id());
    worker->held_bytes -= lease.bytes();
    if (lease.suspicion() == Suspicion::alone) worker->alone = false;
    update_room(*worker);
    stirred_workers_.insert(worker->incarnation);
  }
  leases_.erase(lease.id());
}

// Failures that may be tried again are put aside; the rest is decided.
void Broker::end_tasks(Worker& worker, Job& job, const Lease& lease, Outcomes outcomes) {
  if (!outcomes.not_done.empty()) outcomes = without_retries(worker, job, lease.id(), outcomes);
  if (outcomes.count() == 0) return;
  worker.done += outcomes.count() - outcomes.not_done.size();
  worker.failed += outcomes.not_done.size();
  decide(job, {job.id, 0, lease.attempt(), worker.name, std::move(outcomes)});
}

Outcomes Broker::without_retries(Worker& worker, Job& job, LeaseId lease, const Outcomes& outcomes) {
  OutcomesBuilder rest;
  std::vector<Index> again;
  CountFailures counted{job.id, {}};
  for (OutcomeCursor task(outcomes); !task.done(); task.next()) {
    const NotDone* failure = task.not_done();
    if (failure != nullptr && retry(worker, job, lease, task.index(), failure->code)) {
      again.push_back(task.index());
      counted.failures.emplace_back(task.index(), job.tasks.single(task.index()).failures);
    } else {
      rest.copy(task);
    }
  }
  if (again.empty()) return outcomes;
  change(std::move(counted));
  std::sort(again.begin(), again.end());
  tell_step(job, "retry", Indices(std::move(again)), {});
  return rest.take();
}

// False: its budget is used up, or trying again does not help. What a worker says of a lease from before a restart may be the failure that
// was counted then, if one was: in doubt it is free of charge.
bool Broker::retry(Worker& worker, Job& job, LeaseId lease, Index index, Failure code) {
  const Single* known = job.tasks.find_single(index);
  const bool may_end = known == nullptr || known->has_payload;  // a failed task's payload is kept; until it is back from the store it
  if (may_end && !is_retryable(code)) return false;             // goes once more
  const bool was_counted = known != nullptr && known->was_found && known->failures > 0;
  const std::uint32_t failures = (known == nullptr ? 0 : known->failures) + (was_counted ? 0 : 1);
  if (may_end && failures >= job.options.max_attempts) return false;
  Single& task = job.tasks.single(index);
  task.failures = failures;
  task.answered = lease;
  task.suspicion = Suspicion::none;  // it came back: whoever killed the worker, it was another
  random_ = random_ * 6364136223846793005U + 1442695040888963407U;  // Knuth, MMIX: enough for jitter
  TimePoint due = now_ + backoff_delay(failures, job.options.backoff_base, job.options.backoff_cap, random_ >> 16);
  if (task.was_found) due = std::max(due, claims_end_);  // it may have been tried again before the restart, and that worker comes back
  job.tasks.delay(index, due);
  task.failed_at = worker.incarnation;
  task.elsewhere_until = due + limits::kElsewhere;
  move(job, TaskState::running, TaskState::delayed, 1);
  ++job.redone;
  timers_.remind(due, TimerKind::retry, value(job.id));
  timers_.remind(task.elsewhere_until, TimerKind::retry, value(job.id));
  return true;
}

void Broker::wake_delayed(Job& job) {
  const auto due = job.tasks.take_due(now_);
  move(job, TaskState::delayed, TaskState::queued, due.size());
  stirred_jobs_.insert(job.id);
}

// Failed tasks are kept for inspection and for `retry`, as far as there is room.
std::vector<std::pair<Index, Blob>> Broker::keep_dead_letters(Job& job, const Outcomes& outcomes) {
  std::vector<std::pair<Index, Blob>> letters;
  for (const NotDone& failure : outcomes.not_done) {
    if (letter_bytes_ >= limits::kLettersBytes) break;
    const Index index = outcomes.indices.at(failure.position);
    const Blob payload = job.tasks.single(index).payload;
    const std::uint64_t bytes = payload.size() + limits::kDeadLetterBytes;
    job.dead_letters.emplace(index, payload);
    job.dead_bytes += bytes;
    letter_bytes_ += bytes;
    letters.emplace_back(index, payload);
  }
  return letters;
}

// Of a job's results, what is kept for readers: of a job that discards them only the failures, to be looked at.
JobResults Broker::kept_of(const Job& job, JobResults results) {
  if (job.options.results != ResultsPolicy::discard) return results;
  OutcomesBuilder failures;
  for (OutcomeCursor task(results.outcomes); !task.done() && !results.outcomes.not_done.empty(); task.next()) {
    if (task.not_done() != nullptr) failures.copy(task);
  }
  return {results.job, results.position, results.attempt, results.worker, failures.take()};
}

// These tasks have ended, for good.
void Broker::decide(Job& job, JobResults results) {
  const Outcomes& outcomes = results.outcomes;
  const std::uint64_t failed = outcomes.not_done.size();
  results.position = job.results_decided;
  JobResults kept = kept_of(job, results);
  job.results_decided += kept.outcomes.count();
  job.outcomes_digest += outcomes_digest(outcomes);
  change(AppendOutcomes{job.id, outcomes.indices, outcomes.count() - failed, failed, job.outcomes_digest, std::move(kept),
                        keep_dead_letters(job, outcomes)});
  if (outcomes.indices.is_run()) {
    job.tasks.end(outcomes.indices.run());
  } else {
    for (const Index index : outcomes.indices.table()) job.tasks.end(index);
  }
  drop_ended(job);
  job.waiting_bytes += outcomes.blob.size();
  count_ends(job, outcomes.count() - failed, failed);
  when_committed(ResultsDecided{std::move(results)});
  const std::uint64_t failures = job.counts.failed - job.failures_excused;
  const std::string id = std::to_string(value(job.id));
  if (failed > 0 && job.options.max_failures > 0 && failures > job.options.max_failures) {
    pause(job, std::to_string(failures) + " tasks failed" + (job.failures_excused > 0 ? " since it was resumed" : "") + ", more than max_failures (" + std::to_string(job.options.max_failures) +
                   "): look at them with stint results " + id + " --failed, then stint resume " + id + " or stint cancel " + id);
  }
  end_if_done(job);
}

void Broker::apply(const WorkerAnswered& answered) {
  Worker* worker = find_worker(answered.worker);
  if (worker == nullptr || worker->session() != answered.session) return;
  worker->acked = answered.upto;
  worker->ack_owed += answered.bytes;
  if (worker->draining || worker->ack_owed >= limits::kResultsAckBytes) return acknowledge(*worker);
  if (!worker->ack_due) timers_.remind(now_ + limits::kResultsAckDelay, TimerKind::results_ack, value(answered.session));
  worker->ack_due = true;
}

void Broker::acknowledge(Worker& worker) {
  worker.ack_owed = 0;
  worker.ack_due = false;
  say(worker, ResultsAck{worker.acked});
}

}  // namespace stint::broker
