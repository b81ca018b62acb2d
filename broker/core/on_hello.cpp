// HELLO: a peer greets, for the first time or again. Afterwards both sides agree on what a worker holds.
#include <algorithm>

#include "broker/core/broker.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

std::vector<std::string> sorted_kinds(const std::vector<std::string>& kinds) {
  std::vector<std::string> sorted = kinds;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

std::string joined_kinds(const std::vector<std::string>& kinds) {
  std::string text;
  for (const std::string& kind : kinds) text += (text.empty() ? "" : ",") + kind;
  return text;
}

}  // namespace

void Broker::on_hello(PeerId from, const Hello& hello) {
  if (refuse(from, hello)) return;
  const auto known = peers_.find(hello.incarnation);
  if (known != peers_.end() && known->second->role == hello.role) {
    Peer& peer = *known->second;
    if (hello.hello_no < peer.hello_no) return;
    if (hello.hello_no == peer.hello_no) {  // a repetition: the same answer, and nothing is reconciled
      move_to(peer, from);
      peer.liveness.heard(awake_.now());
      if (!peer.is_welcomed) return;
      peer.reachable = true;
      out_->send(from, {peer.session(), 0, peer.welcome});
      if (auto* worker = dynamic_cast<Worker*>(&peer)) {  // at its first address it may have been unreachable
        update_room(*worker);
        stirred_workers_.insert(worker->incarnation);
      }
      return;
    }
    if (auto* worker = dynamic_cast<Worker*>(&peer)) return rejoin(*worker, from, hello);
    leave_readers(static_cast<Client&>(peer));
    return greet(peer, from, hello, {});
  }
  if (hello.role == Role::worker) return join(from, hello);
  auto client = std::make_unique<Client>();
  client->role = Role::client;
  client->name = hello.name.empty() ? "client-" + std::to_string(++last_name_) : hello.name;
  Peer& peer = *client;
  peer.incarnation = hello.incarnation;
  peers_.emplace(hello.incarnation, std::move(client));
  greet(peer, from, hello, {});
}

// Answers a HELLO that cannot be accepted; false: it can.
bool Broker::refuse(PeerId from, const Hello& hello) {
  const auto no = [&](ErrorCode code, std::string text, std::uint64_t expected = 0) {
    out_->log(Level::warning, "refused " + escaped(hello.name) + ": " + text);
    out_->send(from, {SessionId{}, 0, Error{0, code, info(code).retryable, std::move(text), expected, {}, {}}});
    return true;
  };
  if (hello.version != kProtocolMajor) {
    return no(ErrorCode::version, "you speak protocol " + std::to_string(hello.version) + ", this broker speaks " + std::to_string(kProtocolMajor),
              kProtocolMajor);
  }
  if (hello.hello_no == 0) return no(ErrorCode::bad_value, "hello_no counts from 1");
  if (shutting_down_) return no(ErrorCode::shutting_down, "the broker is shutting down");
  if (!peers_.contains(hello.incarnation) && peers_.size() >= limits::kMaxPeers) {
    return no(ErrorCode::limit, "this broker has " + std::to_string(limits::kMaxPeers) + " peers and takes no more", limits::kMaxPeers);
  }
  const auto known = peers_.find(hello.incarnation);
  if (known != peers_.end() && known->second->role != hello.role) {
    return no(ErrorCode::conflict, "a peer of another role has this incarnation: draw it at random");
  }
  if (hello.role != Role::worker) return false;
  std::uint64_t held = 0;
  for (const HeldLease& lease : hello.held) {
    for (const Run& run : lease.runs) held += std::min<std::uint64_t>(run.count, limits::kMaxHeldTasks + 1);
  }
  if (held > limits::kMaxHeldTasks) {
    return no(ErrorCode::limit, "a worker may hold " + std::to_string(limits::kMaxHeldTasks) + " tasks at most", limits::kMaxHeldTasks);
  }
  if (std::string wrong = complaint_about(hello.kinds); !wrong.empty()) return no(ErrorCode::bad_value, std::move(wrong));
  return false;
}

std::string Broker::complaint_about(const std::vector<std::string>& kinds) {
  if (kinds.empty()) return "a worker must offer at least one kind";
  if (kinds.size() > limits::kMaxKinds) return "a worker may offer " + std::to_string(limits::kMaxKinds) + " kinds at most";
  if (std::any_of(kinds.begin(), kinds.end(), [](const auto& kind) { return kind.empty(); })) return "a kind must not be empty";
  return {};
}

void Broker::move_to(Peer& peer, PeerId address) {
  if (peer.address != address && find_peer(peer.address) == &peer) by_address_.erase(peer.address);
  if (Peer* other = find_peer(address); other != nullptr && other != &peer) set_unreachable(*other);
  peer.address = address;
  by_address_[address] = &peer;
}

void Broker::greet(Peer& peer, PeerId from, const Hello& hello, std::vector<Drop> drop) {
  by_session_.erase(peer.session());
  move_to(peer, from);
  const Duration interval = heartbeat_interval();
  peer.role = hello.role;
  peer.hello_no = hello.hello_no;
  peer.gate = Gate(SessionId{++last_session_});
  peer.liveness = Liveness(interval, options_.liveness, awake_.now());
  by_session_[peer.session()] = &peer;
  Welcome& welcome = peer.welcome;
  welcome.hello_no = hello.hello_no;
  welcome.store = options_.store;
  welcome.epoch = options_.epoch;
  welcome.name = peer.name;
  welcome.heartbeat_ms = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(interval).count());
  welcome.liveness = static_cast<std::uint32_t>(options_.liveness);
  welcome.max_payload_bytes = limits::kMaxPayloadBytes;
  welcome.batch_bytes = limits::kBatchBytes;
  welcome.unacked_bytes = limits::kWorkerUnackedBytes;
  welcome.drop = std::move(drop);
  peer.is_welcomed = false;
  set_unreachable(peer);
  when_committed(Welcomed{peer.session()});
  timers_.remind(awake_.monotonic(peer.liveness.next_heartbeat()), TimerKind::heartbeat, value(peer.session()));
  timers_.remind(awake_.monotonic(peer.liveness.expiry()), TimerKind::expiry, value(peer.session()));
}

// What a worker is told to drop may have ended in a way that is not yet durable; so the answer waits for that.
void Broker::apply(const Welcomed& welcomed) {
  Peer* peer = find_peer(welcomed.session);
  if (peer == nullptr || peer->is_welcomed) return;
  peer->is_welcomed = true;
  peer->liveness.heard(awake_.now());  // it had to wait for us
  peer->reachable = true;
  out_->send(peer->address, {peer->session(), 0, peer->welcome});
  auto* worker = dynamic_cast<Worker*>(peer);
  if (worker == nullptr) return;
  if (worker->drain_told) say(*worker, Drain{worker->drain_deadline_ms});
  update_room(*worker);
  stirred_workers_.insert(worker->incarnation);
}

std::string Broker::unique_name(const Hello& hello) {
  if (!hello.name.empty() && !workers_.contains(hello.name)) return hello.name;
  const std::string stem = (hello.name.empty() ? "worker" : hello.name) + "-";
  std::string name;
  do {
    name = stem + std::to_string(++last_name_);
  } while (workers_.contains(name));
  return name;
}

void Broker::join(PeerId from, const Hello& hello) {
  auto owned = std::make_unique<Worker>();
  Worker& worker = *owned;
  worker.role = Role::worker;
  worker.incarnation = hello.incarnation;
  worker.name = unique_name(hello);
  workers_.emplace(worker.name, &worker);
  peers_.emplace(hello.incarnation, std::move(owned));
  const auto drained = drain_orders_.find(worker.incarnation);
  worker.drain_asked = drained != drain_orders_.end();
  if (worker.drain_asked) worker.drain_deadline_ms = drained->second;
  worker.drain_told = worker.drain_asked;
  advertise(worker, hello.kinds, hello.slots, hello.draining || worker.drain_asked);
  greet(worker, from, hello, reconcile(worker, hello));
  stirred_workers_.insert(worker.incarnation);
  out_->log(Level::info, "worker " + escaped(worker.name) + " joined: kinds " + escaped(joined_kinds(worker.kinds)) + ", " +
                             std::to_string(worker.slots) + (worker.slots == 1 ? " slot" : " slots"));
  tell(worker, "joined");
}

void Broker::rejoin(Worker& worker, PeerId from, const Hello& hello) {
  for (auto& [id, pace] : worker.paces) pace.informed = false;
  worker.acked = 0;
  worker.ack_owed = 0;
  worker.ack_due = false;
  worker.ack_upto = 0;
  advertise(worker, hello.kinds, hello.slots, hello.draining || worker.drain_asked);
  greet(worker, from, hello, reconcile(worker, hello));
  stirred_workers_.insert(worker.incarnation);
}

void Broker::set_slots(Worker& worker, std::uint32_t slots) {
  for (const auto& [id, pace] : worker.paces) {
    if (Job* job = find_job(id)) job->slots_in_use += std::min(pace.held, slots) - std::min(pace.held, worker.slots);
  }
  hoarded_ += worker.held - std::min(worker.held, slots);
  hoarded_ -= worker.held - std::min(worker.held, worker.slots);
  worker.slots = slots;
}

// What a worker offers from now on.
void Broker::advertise(Worker& worker, const std::vector<std::string>& kinds, std::uint32_t slots, bool draining) {
  if (worker.group != nullptr) scheduler_.leave(worker);
  worker.kinds = sorted_kinds(kinds);
  set_slots(worker, std::min(slots, limits::kMaxSlots));
  worker.draining = draining;
  if (!draining) scheduler_.join(worker);
  update_room(worker);
  stir_open_jobs();  // perhaps its kind is offered now
}

// For each task that the worker names: ended -> drop; in a younger lease -> drop, and only the younger counts; else it keeps it.
// Tasks that it does not name are queued again free of charge.
std::vector<Drop> Broker::reconcile(Worker& worker, const Hello& hello) {
  std::vector<Drop> drop;
  std::set<LeaseId> named;
  std::vector<HeldLease> youngest_first = hello.held;
  std::sort(youngest_first.begin(), youngest_first.end(), [](const HeldLease& a, const HeldLease& b) { return a.lease > b.lease; });
  for (const HeldLease& held : youngest_first) {
    const bool ours = hello.store == options_.store && held.lease != LeaseId{};
    if (ours) named.insert(held.lease);
    std::vector<Run> dropped = ours ? reconcile_lease(worker, held) : held.runs;
    if (!dropped.empty()) drop.push_back({held.lease, std::move(dropped)});
  }
  const auto leases = worker.leases;
  for (const LeaseId id : leases) {
    if (!named.contains(id)) give_back(*leases_.at(id));
  }
  return drop;
}

std::vector<Run> Broker::reconcile_lease(Worker& worker, const HeldLease& held) {
  const auto at = leases_.find(held.lease);
  if (at == leases_.end()) return adopt(worker, held);
  Lease& lease = *at->second;
  if (lease.worker() != worker.incarnation) return held.runs;
  lease.recalled = false;  // a RECALL may have been lost
  RunBuilder drop;
  std::set<Index> kept;
  for (const Run& run : held.runs) {
    for (Index index = run.first; index < run.end(); ++index) {
      const bool is_in_lease = lease.holds(index);
      if (is_in_lease) kept.insert(index);
      if (!is_in_lease || lease.revoked) drop.add(index);  // what is revoked stays in the lease until the worker has answered
    }
  }
  RunBuilder unnamed;
  for (const Run& run : lease.open_runs()) {
    for (Index index = run.first; index < run.end(); ++index) {
      if (!kept.contains(index)) unnamed.add(index);
    }
  }
  for (const Run& run : unnamed.take()) take_back(lease, run);
  settle_lease(lease);
  return drop.take();
}

// A lease of a later start than this one comes from a future that the store, put back from a copy, does not have.
bool Broker::is_older(LeaseId lease) const {
  const std::uint64_t epoch = value(lease) >> limits::kLeaseBits;
  return epoch < options_.epoch || (epoch == options_.epoch && value(lease) <= (options_.epoch << limits::kLeaseBits | last_lease_));
}

// Its worker came back with it before another one that has the task in a younger lease: only that one counts.
void Broker::take_from(LeaseId older, Index index) {
  Lease& lease = *leases_.at(older);
  Worker& worker = *find_worker(lease.worker());
  lease.take(index);
  let_go(worker, lease, 1);
  if (worker.is_welcomed) {
    say(worker, Recall{older, {{index, 1}}, RecallMode::stop});
  } else {
    std::vector<Drop>& drop = worker.welcome.drop;
    if (drop.empty() || drop.back().lease != older) drop.push_back({older, {}});
    drop.back().runs.push_back({index, 1});
  }
  settle_lease(lease);
}

// The lease was given up for lost, but its worker is back: what nobody else has begun meanwhile, it keeps, and nobody was lost.
std::vector<Run> Broker::adopt(Worker& worker, const HeldLease& held) {
  RunBuilder drop;
  std::vector<Index> kept;
  Job* job = find_job(held.job);
  Attempt attempt = 1;
  for (const Run& run : held.runs) {
    for (Index index = run.first; index < run.end(); ++index) {
      Single* task = job == nullptr || job->ended ? nullptr : job->tasks.find_single(index);
      if (task != nullptr && task->yields_to(held.lease) && is_older(held.lease)) {
        take_from(task->returned, index);
        task->returned = held.lease;
        attempt = task->attempts;
        kept.push_back(index);
        continue;
      }
      if (task == nullptr || !task->may_return(held.lease) || !is_older(held.lease)) {
        drop.add(index);
        continue;
      }
      move(*job, task->where == Single::Where::delayed ? TaskState::delayed : TaskState::queued, TaskState::running, 1);
      job->tasks.lease(index);
      job->tasks.want(index);
      task->returned = held.lease;
      task->last_lease = {};  // that lease lives again: it is kept once for each loss
      const bool was_counted = task->losses > 0 || task->answered != LeaseId{};  // else it has waited for its worker since the restart
      if (task->losses > 0) --task->losses;
      if (was_counted && job->redone > 0) --job->redone;
      attempt = task->attempts;
      kept.push_back(index);
    }
  }
  if (!kept.empty()) {
    std::sort(kept.begin(), kept.end());
    const auto count = static_cast<std::uint32_t>(kept.size());
    auto lease = std::make_unique<Lease>(held.lease, held.job, worker.incarnation, Indices(std::move(kept)), attempt, Suspicion::none, 0);
    remember(worker, std::move(lease));
    hold(worker, held.job, count);
  }
  return drop.take();
}

}  // namespace stint::broker
