// How far a writer may send, and how far fresh tasks may be handed out. Everything is an absolute position,
// so a window said twice, late, or not at all is never wrong, only old.
#include <algorithm>

#include "broker/core/broker.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {

// A streaming job's backlog is short, since its writer stands at the other end of the same pipe; any other may fill the broker's.
Window Broker::window_of(const Job& job) const {
  Window window;
  window.next = job.told.accepted;
  if (job.closed || job.cancelled) {
    window.limit_tasks = job.tasks.received();
    window.limit_bytes = job.tasks.received_bytes();
  } else if (!store_full_.empty()) {
    window.limit_tasks = job.tasks.received();
    window.limit_bytes = job.tasks.received_bytes();
    window.reason = store_full_;
  } else if (backlog_bytes_ >= options_.backlog_bytes) {  // those whose own queue is short have not filled it
    window.limit_tasks = std::max(job.tasks.received(), job.tasks.fresh() + limits::kBacklogShareTasks);
    window.limit_bytes = std::max(job.tasks.received_bytes(), job.tasks.handed_bytes() + limits::kBacklogShareBytes);
    if (window.limit_tasks > job.tasks.received() && window.limit_bytes > job.tasks.received_bytes()) return window;
    window.reason = "the broker's backlog is full (" + std::to_string(options_.backlog_bytes) +
                    " bytes): wait, add workers, or start it with a larger --backlog-bytes";
  } else if (job.is_streaming()) {
    window.limit_tasks = job.tasks.fresh() + limits::kStreamBacklogTasks;
    window.limit_bytes = job.tasks.handed_bytes() + limits::kStreamBacklogBytes;
  } else {
    window.limit_tasks = job.told.accepted + limits::kSubmitWindowTasks;
    window.limit_bytes = job.told.accepted_bytes + limits::kSubmitWindowBytes;
  }
  return window;
}

// Tells the writer that it may go on, when it could matter.
void Broker::offer_window(Job& job) {
  if (job.closed || job.cancelled || !job.writer_present) {
    closed_windows_.erase(job.id);
    return;
  }
  if (!job.told.opened) return;  // its OPENED will say it
  const Window window = window_of(job);
  const bool is_full = backlog_bytes_ >= options_.backlog_bytes;
  const bool moved = window.limit_tasks >= job.window.limit_tasks + (is_full ? limits::kBacklogShareTasks : limits::kSubmitWindowTasks) / 4 ||
                     window.limit_bytes >= job.window.limit_bytes + (is_full ? limits::kBacklogShareBytes : limits::kSubmitWindowBytes) / 4;
  if (moved || window.reason != job.window.reason) tell_accepted(job);
}

// What was promised stays promised. A writer that was told to wait is told when it may go on, whatever makes the room.
void Broker::set_window(Job& job, Window window) {
  window.limit_tasks = std::max(window.limit_tasks, job.window.limit_tasks);
  window.limit_bytes = std::max(window.limit_bytes, job.window.limit_bytes);
  job.window = std::move(window);
  if (job.window.reason.empty()) {
    closed_windows_.erase(job.id);
  } else {
    closed_windows_.insert(job.id);
  }
}

void Broker::tell_accepted(Job& job) {
  job.accept_now = false;
  job.accept_due = false;
  set_window(job, window_of(job));
  Client* writer = job.writer_present ? find_client(job.writer) : nullptr;
  if (writer == nullptr) return;
  say(*writer, Accepted{job.id, job.told.accepted, job.window.limit_tasks, job.window.limit_bytes, job.told.digest.value(),
                        job.told.closed || job.told.cancelled, job.window.reason});
}

// The first index that may not be handed out for the first time now. Tasks handed out before are exempt: they may always go again.
Index Broker::fresh_limit(const Job& job) const {
  const Index fresh = job.tasks.fresh();
  if (job.paused || job.cancelled || shutting_down_ || is_store_behind()) return fresh;
  const std::uint64_t ended = job.counts.ended();
  Index limit = std::min({job.told.accepted, job.told.reserved_upto, job.tasks.fresh_held(), ended + limits::kMaxUnendedTasks});
  if (are_kept_results_full(job)) return fresh;
  if (!job.is_streaming()) return limit;
  limit = std::min<Index>(limit, job.consumed + limits::kResultWindowTasks);
  const std::uint64_t each = std::max<std::uint64_t>(job.largest_output, 1);
  const std::uint64_t unread = job.retained_bytes() + job.waiting_bytes + job.counts.running * each;
  if (unread == 0) return limit;  // an empty window admits one task of any size
  const std::uint64_t room = unread < limits::kResultWindowBytes ? (limits::kResultWindowBytes - unread) / each : 0;
  return std::min<Index>(limit, fresh + room);
}

// In memory they have to fit; in the store they are bounded by the disk.
bool Broker::are_kept_results_full(const Job& job) const {
  return job.options.results == ResultsPolicy::keep && !options_.durable && kept_bytes_ >= options_.keep_bytes;
}

// What may be handed out is durable before it is, so that after a restart the rest can go out at once, and only this waits for workers
// that come back. Ahead by twice as many as are running, so that nobody waits for it while two commits pass, and few of a small job have
// to wait. In memory there is no restart to think of, and what may go out need not go in small parts.
void Broker::reserve(Job& job) {
  if (job.cancelled || job.ended) return;
  Index upto = job.tasks.received();
  if (options_.durable) {
    const std::uint64_t ahead = std::max<std::uint64_t>(limits::kReservedTasks, 2 * job.counts.running);
    if (job.reserved_upto >= job.tasks.fresh() + ahead) return;
    upto = std::min({upto, job.counts.ended() + limits::kMaxUnendedTasks, job.tasks.fresh() + 2 * ahead});
  }
  if (job.reserved_upto >= upto) return;
  job.reserved_upto = upto;
  change(ReserveTasks{job.id, job.reserved_upto});
  when_committed(TasksReserved{job.id, job.reserved_upto});
}

void Broker::apply(const TasksReserved& reserved) {
  Job* job = find_job(reserved.job);
  if (job == nullptr) return;
  job->told.reserved_upto = reserved.upto;
  stirred_jobs_.insert(job->id);
}

}  // namespace stint::broker
