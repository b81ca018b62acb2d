#include "tests/sim/bounds.hpp"

#include <algorithm>
#include <utility>

#include "common/model/limits.hpp"

namespace stint::sim {

// --- writers and readers ---

void Bounds::heard(Incarnation from, const Envelope& envelope) {
  const Message& message = envelope.message;
  if (const auto* submit = std::get_if<Submit>(&message)) {
    heard(from, envelope.session, *submit);
  } else if (const auto* close = std::get_if<Close>(&message)) {
    written(close->job);
  } else if (const auto* attach = std::get_if<Attach>(&message)) {
    heard(from, *attach);
  } else if (const auto* ack = std::get_if<Ack>(&message)) {
    heard(from, *ack);
  } else if (const auto* results = std::get_if<LeaseResults>(&message)) {
    ended(results->lease, results->outcomes.count());
  } else if (const auto* release = std::get_if<Release>(&message)) {
    for (const Run& run : release->runs) ended(release->lease, run.count);
  } else if (const auto* state = std::get_if<State>(&message)) {
    offers(from, state->kinds, state->slots, state->draining);
  } else if (const auto* hello = std::get_if<Hello>(&message)) {
    if (hello->hello_no <= std::exchange(greetings_[from], std::max(greetings_[from], hello->hello_no))) return;  // repeated
    forget(from);
    workers_[from].is_away = true;
    for (const HeldLease& held : hello->held) keeps(from, held);
    if (hello->role == Role::worker) offers(from, hello->kinds, hello->slots, hello->draining);
  } else if (std::holds_alternative<Bye>(message)) {
    forget(from);
    workers_[from].is_away = true;
  }
}

// Unless the WELCOME says that it is to drop it.
void Bounds::keeps(Incarnation from, const HeldLease& held) {
  if (leases_.contains(held.lease)) return;  // another's: the number is one of another store
  std::uint64_t count = 0;
  for (const Run& run : held.runs) count += run.count;
  leases_[held.lease] = {from, held.job, 0, count, Suspicion::none};
  jobs_[held.job].open += count;
  jobs_[held.job].suspects = 0;  // perhaps these are they
  workers_[from].held += count;
}

void Bounds::offers(Incarnation from, const std::vector<std::string>& kinds, std::uint32_t slots, bool draining) {
  Worker& worker = workers_[from];
  if (!kinds.empty()) worker.kinds = kinds;
  worker.slots = slots;
  worker.draining = worker.draining || draining;
  worker.since = world_.now();
}

void Bounds::may_send(Incarnation writer, SessionId session, JobId job, std::uint64_t limit) {
  Window& window = windows_[{writer, job}];
  world_.require(limit >= window.limit, "a writer's window of job " + std::to_string(value(job)) + " moves back from " +
                                            std::to_string(window.limit) + " to " + std::to_string(limit));
  window = {session, limit};
}

void Bounds::waits(Incarnation writer, const Accepted& accepted) {
  if (accepted.reason.empty()) {
    waiting_.erase(accepted.job);
  } else if (!written_.contains(accepted.job)) {
    waiting_[accepted.job].writer = writer;
  }
}

// Nothing more is to come, whatever the writer was told in the same turn.
void Bounds::written(JobId job) {
  written_.insert(job);
  waiting_.erase(job);
}

// Where every writer can be reached, it is told in the same turn.
void Bounds::beat(std::uint64_t backlog_bytes) {
  if (!world_.options.innocent_clients() || world_.options.disk_full != Duration{}) return;
  const bool has_room = backlog_bytes < world_.options.backlog_bytes;
  for (auto& [job, waiting] : waiting_) {
    waiting.beats = has_room ? waiting.beats + 1 : 0;
    world_.require(waiting.beats < 3, "a writer of job " + std::to_string(value(job)) + " waits for room, and is not told that there is some");
  }
}

void Bounds::heard(Incarnation from, SessionId session, const Submit& submit) {
  const auto window = windows_.find({from, submit.job});
  if (window == windows_.end() || window->second.session != session) return;  // of a former start, or late
  world_.require(submit.first + submit.tasks.count() <= window->second.limit,
                 "a writer of job " + std::to_string(value(submit.job)) + " sends tasks beyond " + std::to_string(window->second.limit));
}

// What is heard may not count, since it is late or doubled: so the bounds here may be wider than the true ones.
void Bounds::heard(Incarnation from, const Attach& attach) {
  Reader& reader = readers_[{from, attach.job}];
  const std::uint64_t ahead = std::max(consumed_[attach.job], attach.upto) - attach.upto;
  reader.limit_tasks = std::max(reader.limit_tasks, attach.limit_tasks + ahead);
  reader.limit_bytes = std::max(reader.limit_bytes, attach.limit_bytes);
  reader.next = std::max(attach.upto, consumed_[attach.job]);
  reader.displaced = false;
  reader.acked = 0;
  reader.unacked_bytes = 0;
  reader.in_flight.clear();
}

void Bounds::heard(Incarnation from, const Ack& ack) {
  Reader& reader = readers_[{from, ack.job}];
  std::uint64_t& consumed = consumed_[ack.job];
  consumed = std::max(consumed, ack.upto);
  reader.limit_tasks = std::max(reader.limit_tasks, ack.limit_tasks);
  reader.acked = std::max(reader.acked, ack.upto);
  while (!reader.in_flight.empty() && reader.in_flight.front().first <= ack.upto) {
    reader.unacked_bytes -= reader.in_flight.front().second;
    reader.in_flight.pop_front();
  }
}

void Bounds::said(Incarnation to, const JobResults& results) {
  Reader& reader = readers_[{to, results.job}];
  const std::uint64_t end = results.position + results.outcomes.count();
  const std::uint64_t bytes = results.outcomes.blob.size();
  if (results.position > reader.next) reader.limit_tasks += results.position - reader.next;  // a gap takes no room
  reader.next = std::max(reader.next, end);
  const std::string about = "a reader of job " + std::to_string(value(results.job)) + " has room ";
  world_.require(end <= reader.limit_tasks,
                 about + "up to " + std::to_string(reader.limit_tasks) + " and is sent up to " + std::to_string(end));
  world_.require(end <= reader.acked || reader.unacked_bytes == 0 || reader.unacked_bytes + bytes <= reader.limit_bytes,
                 about + "for " + std::to_string(reader.limit_bytes) + " bytes and is sent more");
  world_.require(!reader.displaced, about + "no more, since it was displaced");
  if (end <= reader.acked) return;
  reader.unacked_bytes += bytes;
  reader.in_flight.emplace_back(end, bytes);
}

// --- workers ---

void Bounds::said(Incarnation to, const Envelope& envelope) {
  if (const auto* results = std::get_if<JobResults>(&envelope.message)) {
    said(to, *results);
  } else if (const auto* opened = std::get_if<Opened>(&envelope.message)) {
    if (opened->limit_tasks == opened->next) windows_.erase({to, opened->job});  // closed: the disk may be full
    may_send(to, envelope.session, opened->job, opened->limit_tasks);
    waiting_.erase(opened->job);  // if it has to wait, it is told why
  } else if (const auto* accepted = std::get_if<Accepted>(&envelope.message)) {
    may_send(to, envelope.session, accepted->job, accepted->limit_tasks);
    waits(to, *accepted);
  } else if (const auto* tasks = std::get_if<Tasks>(&envelope.message)) {
    said(to, envelope, *tasks);
  } else if (const auto* welcome = std::get_if<Welcome>(&envelope.message)) {
    if (welcome->hello_no == greetings_[to]) workers_[to].is_away = false;
    for (const Drop& drop : welcome->drop) {
      for (const Run& run : drop.runs) ended(drop.lease, run.count);
    }
  } else if (std::holds_alternative<Drain>(envelope.message)) {
    workers_[to].draining = workers_[to].drained = true;
  } else if (std::holds_alternative<Heartbeat>(envelope.message)) {
    check_idle(to);
  } else if (const auto* error = std::get_if<Error>(&envelope.message)) {
    if (error->code == ErrorCode::displaced) readers_[{to, error->job}].displaced = true;
  } else if (const auto* info = std::get_if<JobInfo>(&envelope.message)) {
    if (info->gone) {
      informed_[envelope.session].erase(info->job);
    } else {
      informed_[envelope.session].insert(info->job);
    }
  }
}

void Bounds::said(Incarnation to, const Envelope& envelope, const Tasks& tasks) {
  const std::string about = "tasks of job " + std::to_string(value(tasks.job)) + " are handed to a worker that ";
  world_.require(informed_[envelope.session].contains(tasks.job), about + "does not know the job");
  world_.require(bytes_[to] < limits::kWorkerWindowBytes,
                 about + "has " + std::to_string(bytes_[to]) + " bytes of payload already");
  world_.require(!workers_[to].drained, about + "is asked to leave");
  check_turn(to, tasks);
  const std::uint64_t count = tasks.indices.count();
  Job& job = jobs_[tasks.job];
  job.since = world_.now();
  job.passed_over = 0;
  job.handed = std::max(job.handed, tasks.indices.at(tasks.indices.count() - 1) + 1);
  if (tasks.suspicion == Suspicion::one_per_slot) job.suspects -= std::min(count, job.suspects);
  Worker& worker = workers_[to];
  if (worker.is_away) return;
  leases_[tasks.lease] = {to, tasks.job, tasks.tasks.blob.size(), count, tasks.suspicion};
  bytes_[to] += tasks.tasks.blob.size();
  job.open += count;
  worker.held += count;
  worker.since = world_.now();
}

void Bounds::ended(LeaseId id, std::uint64_t count) {
  const auto at = leases_.find(id);
  if (at == leases_.end()) return;
  Lease& lease = at->second;
  count = std::min(count, lease.open);
  lease.open -= count;
  Job& job = jobs_[lease.job];
  job.open -= count;
  job.since = world_.now();
  Worker& worker = workers_[lease.worker];
  worker.held -= std::min(count, worker.held);
  worker.since = world_.now();
  if (lease.open > 0) return;
  bytes_[lease.worker] -= lease.bytes;
  leases_.erase(at);
}

void Bounds::lost(Incarnation peer) {
  for (const auto& [id, lease] : leases_) {
    if (lease.worker == peer && lease.suspicion == Suspicion::none) jobs_[lease.job].suspects += lease.open;
  }
  forget(peer);
}

bool Bounds::nothing_is_held() const {
  return std::all_of(leases_.begin(), leases_.end(), [this](const auto& lease) { return workers_.at(lease.second.worker).is_away; });
}

void Bounds::forget(Incarnation peer) {
  std::erase_if(waiting_, [&](const auto& waiting) { return waiting.second.writer == peer; });
  forget_leases(peer);
}

void Bounds::forget_leases(Incarnation worker) {
  for (auto at = leases_.begin(); at != leases_.end();) {
    Lease& lease = at->second;
    if (lease.worker == worker) {
      jobs_[lease.job].open -= lease.open;
      jobs_[lease.job].since = world_.now();
      at = leases_.erase(at);
    } else {
      ++at;
    }
  }
  bytes_.erase(worker);
  workers_[worker].held = 0;
  workers_[worker].since = world_.now();
}

// --- jobs ---

void Bounds::opened(JobId id, const JobOptions& options, bool may_go) {
  Job& job = jobs_[id];
  job.kind = options.kind;
  job.priority = options.priority;
  job.waits_for_readers = options.results == ResultsPolicy::stream;
  job.may_go = may_go;
  job.since = world_.now();
}

void Bounds::committed(JobId id, Index upto) {
  jobs_[id].committed = upto;
  jobs_[id].since = world_.now();
}

void Bounds::reserved(JobId id, Index upto) {
  jobs_[id].reserved = upto;
  jobs_[id].since = world_.now();
}

// A worker that has room for this job has room for all others of its kind; their turn comes first when they have
// nothing at any worker. A few that were on their way may still pass.
void Bounds::check_turn(Incarnation to, const Tasks& tasks) {
  if (world_.options.command != Duration{}) return;  // priorities change
  const Turn turn{to, tasks.job, world_.now()};
  if (std::exchange(turn_, turn) == turn) return;  // in pieces, as its writer sent them
  constexpr std::uint64_t kFew = 100;
  constexpr std::uint64_t kFewPastSuspects = 40;  // they wait for the next free slot only
  const Job& served = jobs_[tasks.job];
  for (auto& [id, job] : jobs_) {
    if (id == tasks.job || job.kind != served.kind || job.priority < served.priority || !job.waits()) continue;
    ++job.passed_over;
    world_.require(job.passed_over <= (job.suspects > 0 ? kFewPastSuspects : kFew) || may_wait_for_store(),
                   "job " + std::to_string(value(id)) + " waits, and others of its kind were served " +
                       std::to_string(job.passed_over) + " times");
  }
}

// Payloads may be on their way from the store, or the leave to hand them out to it.
bool Bounds::may_wait_for_store() const {
  return world_.options.commit_delay > 20ms || world_.options.fetch_delay > Duration{};
}

// Whoever is told a heartbeat has heard nothing else for a while.
void Bounds::check_idle(Incarnation idle) {
  constexpr Duration kLong = 5s;
  const auto worker = workers_.find(idle);
  if (worker == workers_.end() || worker->second.slots == 0 || worker->second.draining || worker->second.held > 0)
    return;
  for (const auto& [id, job] : jobs_) {
    if (may_wait_for_store() || !job.waits() || world_.now() - std::max(job.since, worker->second.since) < kLong) continue;
    const auto& kinds = worker->second.kinds;
    world_.require(std::find(kinds.begin(), kinds.end(), job.kind) == kinds.end(),
                   "job " + std::to_string(value(id)) + " waits, though a worker of its kind has nothing to do");
  }
}

}  // namespace stint::sim
