// The start with a store that holds something: jobs stand where they stood, as far as anybody was told.
//
// Who ran what is not stored. Tasks that may have been handed out wait a grace for workers that come back with them; the others go out
// at once. Every job's writer and readers come back by themselves.
#include <algorithm>

#include "broker/core/broker.hpp"
#include "broker/core/call.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

Counts counts_of(const FoundJob& found) {
  Counts counts;
  counts.done = found.done;
  counts.failed = found.failed;
  const std::uint64_t rest = found.received - found.done - found.failed;
  (found.job.cancelled ? counts.cancelled : counts.queued) = rest;
  return counts;
}

// Of a job that was cancelled or has ended, nothing goes out any more.
FoundTasks tasks_of(const FoundJob& found) {
  if (found.job.cancelled || found.job.ended) return {found.received, found.received_bytes, 0, found.received, found.received, {}, {}};
  return {found.received,      found.received_bytes, found.fresh_bytes, std::min(found.handed_upto, found.received),
          found.dropped_below, found.ended,          found.failures};
}

}  // namespace

void Broker::restore(TimePoint now, Found found, Outbox& out) {
  const Call call(*this, now, out);
  for (FoundJob& job : found.jobs) restore(std::move(job));
  last_job_ = std::max(last_job_, found.last_job);
  for (const PutAnswer& answer : found.answers) {
    remember(answer.client, answer.done);
    for (const DrainOrder& order : answer.drains) drain_orders_[order.worker] = order.deadline_ms;
  }
  claims_end_ = now_ + options_.heartbeat * options_.liveness;
  timers_.remind(claims_end_, TimerKind::unclaimed, 0);
  settle();
}

void Broker::restore(FoundJob found) {
  Job& job = make_job(found.job.job, found.job.options);
  last_job_ = std::max(last_job_, value(job.id));
  job.parent = found.job.parent;
  job.writer = found.job.writer;
  job.priority = found.job.priority;
  job.started = found.job.started;
  job.closed = found.job.closed;
  job.paused = found.job.paused;
  job.cancelled = found.job.cancelled;
  job.ended = found.job.ended;
  job.reason = found.job.reason;
  job.readers_seen = found.job.readers;
  job.failures_excused = found.job.failures_excused;
  job.tasks.restore(tasks_of(found));
  job.reserved_upto = job.tasks.fresh();
  job.dropped_below = found.dropped_below;
  job.counts = counts_of(found);
  job.digest = found.digest;
  job.outcomes_digest = found.outcomes_digest;
  job.results_decided = found.results_end;
  job.told = {.counts = job.counts,
              .accepted = found.received,
              .reserved_upto = job.reserved_upto,
              .accepted_bytes = found.received_bytes,
              .digest = job.digest,
              .outcomes_digest = job.outcomes_digest,
              .opened = true,
              .closed = job.closed,
              .paused = job.paused,
              .cancelled = job.cancelled,
              .started = job.started,
              .ended = job.ended};
  if (job.paused) job.pause_reason = job.reason;
  if (job.cancelled) job.end_reason = job.reason;
  job.consumed = found.consumed;
  restore_results(job, found);
  for (auto& [index, payload] : found.dead_letters) {
    const std::uint64_t bytes = payload.size() + limits::kDeadLetterBytes;
    job.dead_bytes += bytes;
    letter_bytes_ += bytes;
    job.dead_letters.emplace(index, std::move(payload));
  }
  release_writer(job, options_.writer_grace);
  if (job.ended) ended_.push_back(job.id);
  end_if_done(job);  // its last result may have become durable, and that it ended not
  stirred_jobs_.insert(job.id);
}

void Broker::restore_results(Job& job, FoundJob& found) {
  job.stored_end = found.results_end;
  job.stored_index_end = found.results_index_end;
  job.stored_bytes = found.results_bytes;
  if (job.in_store) {
    kept_bytes_ += job.stored_bytes;
    return;
  }
  job.log.begin_at(found.unread.empty() ? found.results_end : found.unread.front().position);
  for (JobResults& results : found.unread) retain(job, std::move(results));
  job.log.trim(job.consumed);
  job.by_index.trim(job.consumed);
}

// Nobody has come back with them.
void Broker::hand_out_unclaimed() {
  std::uint64_t tasks = 0;
  for (const auto& [id, job] : jobs_) {
    const std::vector<Index> unclaimed = job->tasks.take_unclaimed();
    if (unclaimed.empty()) continue;
    tasks += unclaimed.size();
    stirred_jobs_.insert(id);
  }
  if (tasks > 0) {
    out_->log(Level::info, "nobody came back with " + std::to_string(tasks) +
                               " tasks that may have been handed out before the restart: they are handed out again");
  }
}

}  // namespace stint::broker
