// Peers in session: finding them, hearing them, losing them.
#include "broker/core/broker.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {

Peer* Broker::find_peer(PeerId address) const {
  const auto at = by_address_.find(address);
  return at == by_address_.end() ? nullptr : at->second;
}

Peer* Broker::find_peer(SessionId session) const {
  const auto at = by_session_.find(session);
  return at == by_session_.end() ? nullptr : at->second;
}

Worker* Broker::find_worker(Incarnation incarnation) const {
  const auto at = peers_.find(incarnation);
  return at == peers_.end() ? nullptr : dynamic_cast<Worker*>(at->second.get());
}

Client* Broker::find_client(Incarnation incarnation) const {
  const auto at = peers_.find(incarnation);
  return at == peers_.end() ? nullptr : dynamic_cast<Client*>(at->second.get());
}

// Grows with the number of peers, so that heartbeats never cost the broker much more than a thousand messages a second each way.
Duration Broker::heartbeat_interval() const {
  return std::max<Duration>(options_.heartbeat, std::chrono::milliseconds(peers_.size()));
}

// The interval that a peer in session has to be told, as the number of peers is another now than when it came; 0: it stays.
std::uint32_t Broker::new_heartbeat_ms(Peer& peer) {
  constexpr int kParts = 4;  // a change by less than one of them is not worth telling
  const Duration interval = heartbeat_interval();
  const Duration before = peer.liveness.interval();
  if (std::chrono::abs(interval - before) < before / kParts) return 0;
  peer.liveness.set_interval(interval, awake_.now());
  peer.welcome.heartbeat_ms = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(interval).count());
  return peer.welcome.heartbeat_ms;
}

void Broker::set_unreachable(Peer& peer) {
  peer.reachable = false;
  if (auto* worker = dynamic_cast<Worker*>(&peer)) update_room(*worker);
}

void Broker::say_hello_again(PeerId to, std::string_view reason) {
  if (!told_again_.insert(to).second) return;
  out_->send(to, {SessionId{}, 0, HelloAgain{std::string(reason)}});
}

void Broker::on_heartbeat(Worker& worker, const Heartbeat& heartbeat) { worker.busy = heartbeat.started; }

// A moment not long after `due` at which many peers are seen to: with thousands of them a turn for each would be dear.
TimePoint Broker::together(TimePoint due) const {
  constexpr std::size_t kPeersInAMillisecond = 64;
  const Duration apart = std::chrono::milliseconds(peers_.size() / kPeersInAMillisecond);
  if (apart == Duration::zero()) return due;
  return TimePoint((due.time_since_epoch() / apart + 1) * apart);
}

void Broker::beat(Peer& peer) {
  if (peer.reachable && peer.liveness.owes_heartbeat(awake_.now())) {
    auto* worker = dynamic_cast<Worker*>(&peer);
    say(peer, Heartbeat{0, 0, worker == nullptr ? 0 : worker->acked, new_heartbeat_ms(peer)});
  }
  const TimePoint next = peer.reachable ? peer.liveness.next_heartbeat() : awake_.now() + options_.heartbeat;
  timers_.remind(together(awake_.monotonic(next)), TimerKind::heartbeat, value(peer.session()));
}

void Broker::look_for(Peer& peer) {
  if (peer.liveness.is_gone(drained_)) return expire(peer);
  const TimePoint next = std::max(awake_.monotonic(peer.liveness.expiry()), now_ + options_.heartbeat / 8);
  timers_.remind(together(next), TimerKind::expiry, value(peer.session()));
}

// Unheard of for too long. A worker's tasks go to others, its answers will be late; a client's jobs wait for it.
void Broker::expire(Peer& peer) {
  out_->log(Level::warning, "lost " + escaped(peer.name) + ": silent for " + std::to_string(options_.liveness) + " heartbeats");
  if (auto* worker = dynamic_cast<Worker*>(&peer)) {
    tell(*worker, "lost");
    lose(*worker);
  }
  remove(peer, options_.writer_grace);
}

void Broker::on_bye(Peer& peer, const Bye& bye) {
  out_->log(Level::info, escaped(peer.name) + " left" + (bye.reason.empty() ? "" : ": " + escaped(bye.reason)));
  if (auto* worker = dynamic_cast<Worker*>(&peer)) {
    const auto leases = worker->leases;
    for (const LeaseId id : leases) give_back(*leases_.at(id));
    drain_orders_.erase(worker->incarnation);
    tell(*worker, "left", Row{{"reason", bye.reason}});
  }
  remove(peer, Duration::zero());
}

void Broker::remove(Peer& peer, Duration writer_grace) {
  if (auto* worker = dynamic_cast<Worker*>(&peer)) {
    if (worker->group != nullptr) scheduler_.leave(*worker);
    workers_.erase(worker->name);
    events_.retire(worker_topic(worker->name));
    end_reservation(*worker);
    for (const auto& [id, pace] : worker->paces) {
      if (Job* job = find_job(id)) job->informed.erase(worker->incarnation);
    }
    stir_open_jobs();  // perhaps nobody offers its kind any more
  }
  if (auto* client = dynamic_cast<Client*>(&peer)) {
    leave_readers(*client);
    for (const JobId id : client->writes) release_writer(*jobs_.at(id), writer_grace);
  }
  if (find_peer(peer.address) == &peer) by_address_.erase(peer.address);
  by_session_.erase(peer.session());
  peers_.erase(peer.incarnation);
}

}  // namespace stint::broker
