// Dispatch: which tasks go to which worker, and how many at once.
//
// A worker with a free slot gets work from the job whose turn it is. One whose slots are all taken is given more ahead only while the
// work that it holds is measured to be short, so that no round trip lies between two quick tasks, and no slow task waits behind
// another while a slot elsewhere is idle. Tasks that were lost with a worker go out carefully: one for each slot with nothing ahead,
// and, when that was not enough to acquit them, alone.
#include <algorithm>
#include <cstdint>

#include "broker/core/broker.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

constexpr std::size_t kJobsTried = 8;     // when filling a worker ahead: jobs looked at before giving up
constexpr std::size_t kWorkersTried = 8;  // when filling workers ahead: of each class, looked at before giving up
constexpr std::uint32_t kMostJobs = 8;    // at a worker that takes a guest
constexpr Duration kSmallWork = 100us;    // of a slot; so little is not divided further, and may come in beside the work of others

double in_micros(Duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); }

double work_limit_us(const Worker& worker) { return in_micros(limits::kMeasuredWork) * worker.slots; }

// How many tasks keep a worker busy for a moment; 0: nobody knows.
std::uint32_t small_work(const Worker& worker, const Pace& pace) {
  return pace.mean_us == 0 ? 0 : static_cast<std::uint32_t>(worker.slots * in_micros(kSmallWork) / pace.mean_us);
}

// What is suspect waits for a free slot, and nothing overtakes it: where a worker is filled ahead, none ever becomes free.
bool suspects_wait(const std::vector<Job*>& jobs) {
  return std::any_of(jobs.begin(), jobs.end(), [](const Job* job) { return job->tasks.has_ready(Suspicion::one_per_slot); });
}

}  // namespace

// As much as a worker should have now, from whichever jobs.
void Broker::dispatch(Worker& worker) {
  if (worker.reserved_for != JobId{}) return dispatch_reserved(worker);
  while (worker.room == Room::free && grant_next(worker)) {
  }
  fill_ahead(worker);
}

// From the first job that has something for it, in the order of their turns; false: there is none.
bool Broker::grant_next(Worker& worker) {
  const auto jobs = scheduler_.next_jobs(worker, kJobsTried);
  const std::uint32_t most = suspects_wait(jobs) ? worker.free_slots() : UINT32_MAX;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    Job* job = jobs[i];
    const std::uint32_t share = i + 1 < jobs.size() ? fair_share(worker, *job, *jobs[i + 1]) : UINT32_MAX;
    if (grant(worker, *job, std::min(share, most))) return true;
    if (worker.reserved_for != JobId{}) return false;
    update_ready(*job);
  }
  return false;
}

// How much a job gets at once while the next one waits for the same slots: until it has as many as that one, and one more. Of quick
// tasks it may be more, since their slots are soon free again.
std::uint32_t Broker::fair_share(const Worker& worker, const Job& job, const Job& next) const {
  const bool is_quick = worker.pace_of(job.id).depth > worker.slots;
  if (is_quick || next.priority != job.priority || next.slots_in_use < job.slots_in_use) return UINT32_MAX;
  return next.slots_in_use - job.slots_in_use + 1;
}

// Beyond its slots, from jobs of the highest priority that waits only.
void Broker::fill_ahead(Worker& worker) {
  if (worker.room != Room::prefetch && worker.room != Room::guests) return;
  const auto jobs = scheduler_.next_jobs(worker, kJobsTried);
  if (suspects_wait(jobs)) return;
  for (Job* job : jobs) {
    if (job->priority == jobs.front()->priority) grant_ahead(worker, *job);
  }
}

// A guest is done within one turn at the worker, as far as anybody knows. Who has more waits for room, and is then given much at once.
bool Broker::grant_ahead(Worker& worker, Job& job) {
  if (worker.room == Room::prefetch) return grant(worker, job);
  if (worker.room != Room::guests) return false;
  const Pace& pace = worker.pace_of(job.id);
  const std::uint32_t turn = std::max(worker.slots, small_work(worker, pace));
  const bool has_more = pace.mean_us > 0 && job.counts.queued > turn;
  return pace.held == 0 && !has_more && grant(worker, job, turn);
}

// It has emptied itself for a task that must be alone; unless that has meanwhile gone elsewhere, or the worker offers its kind no more.
void Broker::dispatch_reserved(Worker& worker) {
  Job* job = find_job(worker.reserved_for);
  const bool needed = job != nullptr && worker.takes_work() && worker.offers(job->options.kind) && may_go(*job) &&
                      job->tasks.has_ready(Suspicion::alone);
  if (needed && worker.held > 0) return;
  end_reservation(worker);
  if (!needed || !worker.takes_work() || !grant_alone(worker, *job)) dispatch(worker);
}

void Broker::end_reservation(Worker& worker) {
  if (Job* job = find_job(worker.reserved_for)) {
    job->reserved = {};
    stirred_jobs_.insert(job->id);
  }
  worker.reserved_for = {};
  update_room(worker);
}

// A job has something new to hand out: to workers with free slots first, longest without work first.
void Broker::dispatch(Job& job) {
  while (job.turn && job.tasks.has_ready(Suspicion::alone)) {
    Worker* worker = scheduler_.empty_handed(*job.kind);
    if (worker == nullptr || !grant_alone(*worker, job)) break;
  }
  while (job.turn) {
    Worker* worker = scheduler_.longest_idle(*job.kind);
    if (worker == nullptr) break;
    const std::uint64_t before = dispatches_;
    dispatch(*worker);
    if (dispatches_ != before || worker->room != Room::free) continue;
    for (Worker* other : scheduler_.with_room(*job.kind, Room::free, SIZE_MAX)) dispatch(*other);  // that one can't: perhaps another
    break;
  }
  if (!job.turn || job.tasks.has_ready(Suspicion::one_per_slot)) return;
  dispatch_ahead(job, Room::prefetch);
  if (job.workers < job.kind->workers) dispatch_ahead(job, Room::guests);
}

// To workers that are not idle, longest without work first, and once to each. Those that want nothing stay in front: a few are tried,
// since each has its turn when its next results come.
void Broker::dispatch_ahead(Job& job, Room room) {
  const std::uint64_t before = dispatches_;
  for (bool given = true; given;) {
    given = false;
    for (Worker* worker : scheduler_.with_room(*job.kind, room, kWorkersTried)) {
      if (!job.turn) return;
      if (worker->room != room || worker->served > before) continue;
      const auto jobs = scheduler_.next_jobs(*worker, kJobsTried);
      if (jobs.front()->priority == job.priority && !suspects_wait(jobs)) given = grant_ahead(*worker, job) || given;
    }
  }
}

// False: this worker can take nothing of this job now.
bool Broker::grant(Worker& worker, Job& job, std::uint32_t most) {
  if (job.tasks.has_ready(Suspicion::alone)) {
    if (worker.held == 0) return grant_alone(worker, job);
    if (job.reserved == Incarnation{}) {  // one worker empties itself; the others go on with the rest
      job.reserved = worker.incarnation;
      worker.reserved_for = job.id;
      update_room(worker);
      return false;
    }
  }
  if (job.tasks.has_ready(Suspicion::one_per_slot) && worker.free_slots() > 0) {
    return grant_waiting(worker, job, Suspicion::one_per_slot, worker.free_slots()) > 0;
  }
  std::uint32_t wanted = std::min(wanted_by(worker, job), most);
  const std::uint32_t before = wanted;
  while (wanted > 0 && has_byte_room(worker)) {
    const std::uint32_t granted = grant_waiting(worker, job, Suspicion::none, wanted);
    if (granted == 0) break;
    wanted -= granted;
  }
  while (wanted > 0 && has_byte_room(worker)) {
    const std::uint32_t granted = grant_fresh(worker, job, wanted);
    if (granted == 0) break;
    wanted -= granted;
  }
  return wanted < before;
}

// How many tasks of a job a worker should get now, beyond those that it holds. What it holds of other jobs is no reason to give less:
// else a job that came first, and is filled up again and again, would keep all others out.
std::uint32_t Broker::wanted_by(const Worker& worker, const Job& job) const {
  const std::uint32_t free = worker.free_slots();
  if (worker.suspects > 0) return free;
  const Pace& pace = worker.pace_of(job.id);
  const std::uint32_t part = limits::kMaxUnendedTasks / std::max(job.kind->workers, 1U);  // of what may be handed out at once
  const std::uint32_t depth = std::max(std::min(pace.depth, part), worker.slots);
  const std::uint32_t ahead = depth > pace.held ? depth - pace.held : 0;
  if (free == 0 && (ahead == 0 || ahead < depth / 4)) return 0;  // little gifts cost a message each
  const bool is_quick = depth > worker.slots;
  std::uint64_t wanted = free > 0 && !is_quick ? free : std::max(free, ahead);
  if (job.kind->workers > 1) {  // near the tail: leave something for the others, unless it is next to nothing
    const std::uint64_t share = job.counts.queued / (2 * job.kind->workers);
    wanted = std::min(wanted, std::max<std::uint64_t>({free, share, is_quick ? small_work(worker, pace) : 1, 1}));
  }
  return static_cast<std::uint32_t>(wanted);
}

// An empty window admits one task of any size.
bool Broker::has_byte_room(const Worker& worker) const {
  return worker.held == 0 || worker.held_bytes < limits::kWorkerWindowBytes;
}

bool Broker::grant_alone(Worker& worker, Job& job) {
  if (grant_waiting(worker, job, Suspicion::alone, 1) == 0) return false;
  worker.alone = true;
  update_room(worker);
  return true;
}

// Hands out tasks that were handed out before: those of one attempt together.
std::uint32_t Broker::grant_waiting(Worker& worker, Job& job, Suspicion suspicion, std::uint32_t most) {
  const auto& ready = job.tasks.ready(suspicion);
  std::vector<Index> indices;
  BatchBuilder payloads;
  Attempt attempts = 0;
  for (const Index index : ready) {
    const Single& task = *job.tasks.find_single(index);
    if (task.avoids(worker.incarnation, now_) && job.kind->workers > 1) continue;
    if (indices.empty()) attempts = task.attempts;
    const bool full = !indices.empty() && payloads.bytes() + task.payload.size() > limits::kBatchBytes;
    if (task.attempts != attempts || full || indices.size() == most) break;
    indices.push_back(index);
    payloads.add(task.payload.view());
  }
  if (indices.empty()) return 0;
  for (const Index index : indices) {
    job.tasks.lease(index);
    Single& task = job.tasks.single(index);
    ++task.attempts;
    task.last_lease = {};  // from now on the new lease counts, whoever comes back
    task.was_found = false;
  }
  const auto count = static_cast<std::uint32_t>(indices.size());
  hand_out(worker, job, {LeaseId{}, job.id, Indices(std::move(indices)), attempts + 1, suspicion, payloads.take()});
  return count;
}

std::uint32_t Broker::grant_fresh(Worker& worker, Job& job, std::uint32_t most) {
  const Index limit = fresh_limit(job);
  if (job.tasks.fresh() >= limit) return 0;
  const std::uint64_t room = worker.held_bytes < limits::kWorkerWindowBytes ? limits::kWorkerWindowBytes - worker.held_bytes : 0;
  FreshTasks fresh = job.tasks.take_fresh(limit, most, std::min(room, limits::kBatchBytes));
  backlog_bytes_ -= fresh.tasks.blob.size();
  const auto count = static_cast<std::uint32_t>(fresh.run.count);
  hand_out(worker, job, {LeaseId{}, job.id, Indices(fresh.run), 1, Suspicion::none, std::move(fresh.tasks)});
  return count;
}

// Makes the lease and says it.
void Broker::hand_out(Worker& worker, Job& job, Tasks tasks) {
  const std::uint32_t count = tasks.indices.count();
  tasks.lease = LeaseId{options_.epoch << limits::kLeaseBits | ++last_lease_};
  worker.served = job.last_served = ++dispatches_;
  remember(worker, std::make_unique<Lease>(tasks.lease, job.id, worker.incarnation, tasks.indices, tasks.attempt, tasks.suspicion,
                                           tasks.tasks.blob.size()));
  if (tasks.suspicion != Suspicion::none) worker.suspects += count;
  move(job, TaskState::queued, TaskState::running, count);
  inform(worker, job);
  tell_step(job, "handed_out", tasks.indices, worker.name);
  say(worker, std::move(tasks));
  hold(worker, job.id, count);
  update_ready(job);
}

void Broker::remember(Worker& worker, std::unique_ptr<Lease> lease) {
  lease->last_result = now_;
  worker.leases.insert(lease->id());
  worker.held_bytes += lease->bytes();
  if (Job* job = find_job(lease->job())) {
    job->leases.insert(lease->id());
    leased_jobs_.insert(job->id);
  }
  leases_.emplace(lease->id(), std::move(lease));
}

// JOB_INFO goes before a session's first tasks of a job.
void Broker::inform(Worker& worker, Job& job) {
  Pace& pace = worker.paces[job.id];
  if (pace.informed) return;
  pace.informed = true;
  job.informed.insert(worker.incarnation);
  JobInfo job_info{job.id, false, job.options.kind, job.options.name, job.options.context, 0, false};
  job_info.time_limit_ms = static_cast<std::uint32_t>(job.options.time_limit.count());
  job_info.discard = job.options.results == ResultsPolicy::discard;
  say(worker, std::move(job_info));
}

// Books tasks of a job in at a worker, or out of it.
void Broker::hold(Worker& worker, JobId id, std::int64_t count) {
  Pace& pace = worker.paces[id];
  const std::uint32_t slots_before = std::min(pace.held, worker.slots);
  const std::uint32_t held_before = pace.held;
  pace.held = static_cast<std::uint32_t>(pace.held + count);
  hoarded_ -= worker.held - std::min(worker.held, worker.slots);
  worker.held = static_cast<std::uint32_t>(worker.held + count);
  hoarded_ += worker.held - std::min(worker.held, worker.slots);
  if (hoarded_ > 0 && !recall_waits_) {
    recall_waits_ = true;
    timers_.remind(now_ + limits::kRecallAfter, TimerKind::recall, 0);
  }
  const auto came = static_cast<std::uint32_t>(held_before == 0 && pace.held > 0);
  const auto went = static_cast<std::uint32_t>(held_before > 0 && pace.held == 0);
  worker.jobs += came - went;
  if (pace.mean_us == 0) worker.unmeasured = static_cast<std::uint32_t>(worker.unmeasured + count);
  worker.work_us = worker.held == 0 ? 0 : worker.work_us + static_cast<double>(count) * pace.mean_us;
  Job* job = find_job(id);
  if (job != nullptr) {
    job->slots_in_use += std::min(pace.held, worker.slots) - slots_before;
    job->workers += came - went;
    stirred_jobs_.insert(id);
  }
  if (pace.held == 0 && (job == nullptr || job->told.ended)) worker.paces.erase(id);
  update_room(worker);
  stirred_workers_.insert(worker.incarnation);
}

// Learns from results how quick a worker is at a job: it may hold about kMeasuredWork for each slot, and up to there each
// answer lets it have some times more than before. What it remembers is as much work again, or a few tasks where they are slow: so one
// that the machine kept from running for milliseconds says little about the thousands beside it.
void Broker::measure(Worker& worker, Job& job, std::uint64_t micros, std::uint32_t count) {
  constexpr double kFewTasks = 3;
  constexpr std::uint32_t kGrowth = 8;
  Pace& pace = worker.paces[job.id];
  const double told_us = std::max(static_cast<double>(micros), count * in_micros(limits::kQuickestTask));
  if (pace.mean_us == 0) worker.unmeasured -= pace.held;
  const double remembered = std::min(pace.measured, std::max(kFewTasks, in_micros(limits::kMeasuredWork) / pace.mean_us));
  pace.measured = remembered + count;
  const double mean_us = (remembered * pace.mean_us + told_us) / pace.measured;
  worker.work_us += pace.held * (mean_us - pace.mean_us);
  pace.mean_us = mean_us;
  const double most = std::clamp(work_limit_us(worker) / mean_us, double{1} * worker.slots, double{limits::kMaxUnendedTasks});
  pace.depth = std::min(std::max(pace.depth, worker.slots) * kGrowth, static_cast<std::uint32_t>(most));
}

void Broker::update_room(Worker& worker) {
  Room room = Room::none;
  if (worker.takes_work() && worker.reserved_for == JobId{} && has_byte_room(worker)) {
    if (worker.free_slots() > 0) {
      room = Room::free;
    } else if (worker.suspects == 0 && worker.unmeasured == 0) {
      if (worker.work_us < work_limit_us(worker)) {
        room = Room::prefetch;
      } else if (worker.jobs < kMostJobs && worker.work_us < worker.held * in_micros(limits::kMeasuredWork)) {
        room = Room::guests;
      }
    }
  }
  scheduler_.set_room(worker, room);
}

bool Broker::may_go(const Job& job) const {
  return !job.paused && !job.ended && !job.cancelled && !shutting_down_ && !is_store_behind();
}

void Broker::update_ready(Job& job) {
  const bool go = may_go(job);
  if (job.reserved != Incarnation{} && !(go && job.tasks.has_ready(Suspicion::alone))) stirred_workers_.insert(job.reserved);
  scheduler_.set_ready(job, go && (job.tasks.has_ready() || job.tasks.fresh() < fresh_limit(job)));
}

}  // namespace stint::broker
