// The life of a job: counts, pause, cancel, end, and being forgotten.
#include <algorithm>
#include <utility>

#include "broker/core/broker.hpp"
#include "common/model/require.hpp"

namespace stint::broker {
namespace {

std::uint64_t& count_of(Counts& counts, TaskState state) {
  switch (state) {
    case TaskState::queued: return counts.queued;
    case TaskState::delayed: return counts.delayed;
    case TaskState::running: return counts.running;
    case TaskState::done: return counts.done;
    case TaskState::failed: return counts.failed;
    case TaskState::cancelled: break;
  }
  return counts.cancelled;
}

void move_counts(Counts& counts, std::optional<TaskState> from, TaskState to, std::uint64_t count) {
  if (from) {
    STINT_REQUIRE(count_of(counts, *from) >= count);
    count_of(counts, *from) -= count;
  }
  count_of(counts, to) += count;
}

}  // namespace

Job* Broker::find_job(JobId id) const {
  const auto at = jobs_.find(id);
  return at == jobs_.end() ? nullptr : at->second.get();
}

void Broker::stir_open_jobs() {
  for (const auto& [id, job] : jobs_) {
    if (!job->ended && job->counts.left() > 0) stirred_jobs_.insert(id);
  }
}

// Counts change here and in count_ends() only. An end is final: nothing moves out of done, failed or cancelled.
void Broker::move(Job& job, std::optional<TaskState> from, TaskState to, std::uint64_t count) {
  if (count == 0) return;
  STINT_REQUIRE(!from || *from == TaskState::queued || *from == TaskState::delayed || *from == TaskState::running);
  move_counts(job.counts, from, to, count);
  if (to == TaskState::running && !std::exchange(job.started, true)) put(job);  // it starts once, also across a restart
  when_committed(CountsMoved{job.id, from, to, count});
  stirred_jobs_.insert(job.id);
}

void Broker::apply(const CountsMoved& moved) {
  Job* job = find_job(moved.job);
  if (job == nullptr) return;
  move_counts(job->told.counts, moved.from, moved.to, moved.count);
  if (moved.to == TaskState::running && !job->told.started) {
    job->told.started = true;
    tell(*job, "started");
  }
  job->progress_due = true;
  tell_progress(*job);
}

// Tasks that ran have ended for good.
void Broker::count_ends(Job& job, std::uint64_t done, std::uint64_t failed) {
  move_counts(job.counts, TaskState::running, TaskState::done, done);
  move_counts(job.counts, TaskState::running, TaskState::failed, failed);
  when_committed(TasksEnded{job.id, done, failed, job.outcomes_digest});
  stirred_jobs_.insert(job.id);
}

void Broker::apply(const TasksEnded& ended) {
  Job* job = find_job(ended.job);
  if (job == nullptr) return;
  move_counts(job->told.counts, TaskState::running, TaskState::done, ended.done);
  move_counts(job->told.counts, TaskState::running, TaskState::failed, ended.failed);
  job->told.outcomes_digest = ended.outcomes_digest;
  job->progress_due = true;
  tell_progress(*job);
}

void Broker::put(const Job& job) {
  change(PutJob{job.id, job.parent, job.writer, job.options, job.priority, job.started, job.closed, job.paused, job.cancelled, job.ended,
                job.readers_seen, job.failures_excused, job.reason});
}

// What has ended from the front of the job on, the store may let go.
void Broker::drop_ended(Job& job) {
  const Index below = job.tasks.ended_below();
  if (below == job.dropped_below) return;
  job.dropped_below = below;
  change(DropTasks{job.id, below});
}

void Broker::close(Job& job) {
  job.closed = true;
  put(job);
  when_committed(JobChanged{job.id, JobChange::closed, {}, {}});
  when_committed(TasksAccepted{job.id, 0, 0, job.digest, true});
  end_if_done(job);
}

void Broker::pause(Job& job, std::string reason) {
  if (job.paused || job.ended) return;
  job.paused = true;
  job.reason = reason;
  put(job);
  when_committed(JobChanged{job.id, JobChange::paused, std::move(reason), {}});
  stirred_jobs_.insert(job.id);
}

void Broker::resume(Job& job) {
  if (!job.paused || job.ended) return;
  job.paused = false;
  job.reason.clear();
  job.failures_excused = job.counts.failed;
  put(job);
  when_committed(JobChanged{job.id, JobChange::resumed, {}, {}});
  stirred_jobs_.insert(job.id);
}

// Decided and counted at once. What runs is told to stop; its lease stays, revoked, until the worker has answered.
void Broker::cancel(Job& job, std::string reason) {
  if (job.ended) return;
  job.cancelled = true;
  job.reason = reason;
  put(job);
  move(job, TaskState::queued, TaskState::cancelled, job.counts.queued);
  move(job, TaskState::delayed, TaskState::cancelled, job.counts.delayed);
  move(job, TaskState::running, TaskState::cancelled, job.counts.running);
  backlog_bytes_ -= job.tasks.fresh_bytes();
  job.tasks.clear();
  drop_ended(job);
  leased_jobs_.erase(job.id);
  std::vector<LeaseId> revoked;
  for (const LeaseId id : std::exchange(job.leases, {})) {
    leases_.at(id)->revoked = true;
    revoked.push_back(id);
  }
  when_committed(JobChanged{job.id, JobChange::cancelled, std::move(reason), std::move(revoked)});
  end_if_done(job);
}

void Broker::end_if_done(Job& job) {
  if (job.ended || !(job.closed || job.cancelled) || job.counts.left() > 0) return;
  job.ended = true;
  put(job);
  when_committed(JobChanged{job.id, JobChange::ended, {}, {}});
  stirred_jobs_.insert(job.id);
}

void Broker::apply(const JobChanged& changed) {
  Job* job = find_job(changed.job);
  if (job == nullptr) return;
  switch (changed.change) {
    case JobChange::closed:
      job->told.closed = true;
      break;
    case JobChange::paused:
      job->told.paused = true;
      job->pause_reason = changed.reason;
      job->standing = standing_of(*job);
      job->standing_told = true;
      tell(*job, "paused");
      break;
    case JobChange::resumed:
      job->told.paused = false;
      tell(*job, "resumed");
      break;
    case JobChange::cancelled:
      job->told.cancelled = true;
      job->end_reason = changed.reason;
      tell_accepted(*job);  // its writer may be waiting for room
      for (const LeaseId id : changed.revoked) {
        const auto lease = leases_.find(id);
        Worker* worker = lease == leases_.end() ? nullptr : find_worker(lease->second->worker());
        if (worker != nullptr) say(*worker, Recall{id, {}, RecallMode::stop});
      }
      break;
    case JobChange::ended:
      end_told(*job);
      return;
  }
  for (Reader& reader : job->readers) tell_status(*job, reader);
  stirred_jobs_.insert(job->id);
}

void Broker::end_told(Job& job) {
  job.told.ended = true;
  const Counts& counts = job.told.counts;
  tell(job, "ended");
  out_->log(Level::info, "job " + std::to_string(value(job.id)) + " ended: " + std::to_string(counts.done) + " done, " +
                             std::to_string(counts.failed) + " failed, " + std::to_string(counts.cancelled) + " cancelled");
  for (const Incarnation incarnation : job.informed) {
    Worker* worker = find_worker(incarnation);
    if (worker == nullptr) continue;
    JobInfo gone;
    gone.job = job.id;
    gone.gone = true;
    const auto pace = worker->paces.find(job.id);
    if (pace != worker->paces.end() && pace->second.informed) say(*worker, gone);
    if (pace != worker->paces.end() && pace->second.held == 0) worker->paces.erase(pace);
  }
  job.informed.clear();
  ended_.push_back(job.id);
  stirred_jobs_.insert(job.id);
  forget_oldest();
}

// Retention by count, and by bytes where the store keeps them: of the ended jobs, the oldest ones that nobody reads are forgotten first.
void Broker::forget_oldest() {
  const auto too_many = [&] {
    return ended_.size() > options_.kept_jobs || (options_.durable && kept_bytes_ > options_.keep_bytes);
  };
  for (std::size_t i = 0; i < ended_.size() && too_many();) {
    Job& job = *jobs_.at(ended_[i]);
    const bool unread = job.is_streaming() && job.consumed < job.results_end();
    const bool being_read = std::any_of(job.readers.begin(), job.readers.end(),
                                        [](const Reader& reader) { return !reader.end_told || !reader.in_flight.empty(); });
    if (being_read || (unread && job.writer_present)) {
      ++i;
      continue;
    }
    forget(job);  // takes it out of ended_
  }
}

void Broker::forget(Job& job) {
  change(ForgetJob{job.id});
  const bool were_kept_results_full = kept_bytes_ >= options_.keep_bytes;
  scheduler_.dismiss(job);
  if (Client* writer = find_client(job.writer)) writer->writes.erase(job.id);
  for (const Reader& reader : job.readers) {
    Client* client = find_client(reader.client);
    if (client == nullptr) continue;
    client->reads.erase(job.id);
    if (reader.end_told) continue;
    say(*client, Error{0, ErrorCode::unknown_job, false, "job " + std::to_string(value(job.id)) + " was forgotten while it was read", 0, {}, job.id});
  }
  letter_bytes_ -= job.dead_bytes;
  kept_bytes_ -= job.is_streaming() ? 0 : job.retained_bytes();
  by_key_.erase(job.options.key);
  closed_windows_.erase(job.id);
  events_.forget(job_topic(job.id));
  events_.forget(step_topic(job.id));
  ended_.erase(std::remove(ended_.begin(), ended_.end(), job.id), ended_.end());
  jobs_.erase(job.id);
  if (!were_kept_results_full) return;
  for (const auto& [id, other] : jobs_) {
    if (!other->ended) stirred_jobs_.insert(id);  // there is room for kept results again
  }
}

void Broker::release_writer(Job& job, Duration grace) {
  job.writer_present = false;
  job.writer_gone_at = now_ + grace;
  if (job.ended || job.closed) return;
  timers_.remind(job.writer_gone_at, TimerKind::writer_gone, value(job.id));
}

void Broker::look_for_writer(Job& job) {
  if (job.writer_present || job.ended || job.closed) return;
  if (now_ < job.writer_gone_at) return timers_.remind(job.writer_gone_at, TimerKind::writer_gone, value(job.id));
  if (job.options.on_writer_gone == WriterGone::cancel) return cancel(job, "its writer is gone");
  stirred_jobs_.insert(job.id);  // it may stand still from now on
}

bool Broker::is_abandoned(const Job& job) const {
  return !job.writer_present && !job.closed && !job.cancelled && now_ >= job.writer_gone_at;
}

}  // namespace stint::broker
