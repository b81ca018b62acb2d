#include "broker/core/broker.hpp"

#include <type_traits>

#include "broker/core/call.hpp"
#include "common/model/limits.hpp"
#include "common/model/require.hpp"

namespace stint::broker {
namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

// What an error reply says it is about.
template <class T>
RequestId request_of(const T& message) {
  if constexpr (requires { message.req; }) return message.req;
  return {};
}
template <class T>
JobId job_of(const T& message) {
  if constexpr (requires { message.job; }) return message.job;
  return {};
}

}  // namespace

Broker::Broker(const Options& options)
    : options_(options),
      awake_(options.heartbeat),
      random_(options.random),
      last_session_(static_cast<std::uint32_t>(options.random >> 33)),
      events_(options.store, options.epoch) {
  last_lease_ = options.first_lease;
  timers_.remind(TimePoint{}, TimerKind::beat, 0);
}

Broker::~Broker() = default;

void Broker::step(TimePoint now, PeerId from, const Envelope& envelope, Outbox& out) {
  const Call call(*this, now, out);
  current_seq_ = envelope.seq;
  current_req_ = std::visit([](const auto& message) { return request_of(message); }, envelope.message);
  current_job_ = std::visit([](const auto& message) { return job_of(message); }, envelope.message);
  if (const auto* hello = std::get_if<Hello>(&envelope.message)) {
    on_hello(from, *hello);
    return settle();
  }
  Peer* peer = find_peer(from);
  if (peer == nullptr) return say_hello_again(from, "unknown session");
  switch (peer->gate.admit(envelope.session, envelope.seq)) {
    case Gate::Verdict::duplicate:
      return;
    case Gate::Verdict::foreign:
      return say_hello_again(from, "unknown session");
    case Gate::Verdict::gap:
      return say_hello_again(from, "messages are missing");
    case Gate::Verdict::pass:
      break;
  }
  peer->liveness.heard(awake_.now());
  if (const auto* bye = std::get_if<Bye>(&envelope.message)) {
    on_bye(*peer, *bye);
  } else if (peer->role == Role::client) {
    handle(static_cast<Client&>(*peer), envelope.message);
  } else {
    handle(static_cast<Worker&>(*peer), envelope.message);
  }
  settle();
}

// Its header could be read: within its session it uses up its number like any message that is rejected, so that the peer hears what
// was wrong and goes on, instead of greeting again and sending the same again.
void Broker::refused(TimePoint now, PeerId from, SessionId session, Error error, Outbox& out) {
  const Call call(*this, now, out);
  Peer* peer = find_peer(from);
  if (peer == nullptr || session == SessionId{}) return out_->send(from, {SessionId{}, 0, std::move(error)});
  switch (peer->gate.admit(session, error.re_seq)) {
    case Gate::Verdict::duplicate:
      return;
    case Gate::Verdict::foreign:
      return say_hello_again(from, "unknown session");
    case Gate::Verdict::gap:
      return say_hello_again(from, "messages are missing");
    case Gate::Verdict::pass:
      peer->liveness.heard(awake_.now());
      return say(*peer, std::move(error));
  }
}

void Broker::handle(Client& client, const Message& message) {
  std::visit(Overloaded{
                 [&](const Open& open) { on_open(client, open); },
                 [&](const Submit& submit) { on_submit(client, submit); },
                 [&](const Close& close) { on_close(client, close); },
                 [&](const Attach& attach) { on_attach(client, attach); },
                 [&](const Ack& ack) { on_ack(client, ack); },
                 [&](const Detach& detach) { on_detach(client, detach); },
                 [&](const Command& command) { on_command(client, command); },
                 [&](const Query& query) { on_query(client, query); },
                 [](const Heartbeat&) {},
                 [&](const auto&) { reject(client, ErrorCode::wrong_role, "a client does not send this message"); },
             },
             message);
}

void Broker::handle(Worker& worker, const Message& message) {
  std::visit(Overloaded{
                 [&](const LeaseResults& results) { on_results(worker, results); },
                 [&](const Release& release) { on_release(worker, release); },
                 [&](const Progress& progress) { on_progress(worker, progress); },
                 [&](const State& state) { on_state(worker, state); },
                 [&](const Heartbeat& heartbeat) { on_heartbeat(worker, heartbeat); },
                 [&](const auto&) { reject(worker, ErrorCode::wrong_role, "a worker does not send this message"); },
             },
             message);
}

void Broker::drained(TimePoint now) { drained_ = awake_.turn(now); }

void Broker::tick(TimePoint now, Outbox& out) {
  const Call call(*this, now, out);
  told_again_.clear();
  while (const auto timer = timers_.take(now)) on_timer(*timer);
  settle();
  tell_states();
}

std::optional<TimePoint> Broker::next_deadline() const { return timers_.next(); }

void Broker::subscribed(TimePoint now, std::string_view topic, bool on, Outbox& out) {
  const Call call(*this, now, out);
  if (!on) return events_.unsubscribe(topic);
  events_.subscribe(topic);
  const auto due = [&](std::string name) {
    if (name.starts_with(topic)) states_due_.insert(std::move(name));
  };
  for (const auto& [id, job] : jobs_) due(job_topic(id));
  for (const auto& [name, worker] : workers_) due(worker_topic(name));
  due(std::string(kBrokerTopic));
  const bool names_one = topic.ends_with('.') && (topic.starts_with("job.") || topic.starts_with("worker."));
  if (names_one && topic != "job." && topic != "worker.") states_due_.insert(std::string(topic));
}

void Broker::unreachable(TimePoint now, PeerId address, Outbox& out) {
  const Call call(*this, now, out);
  Peer* peer = find_peer(address);
  if (peer == nullptr) return;
  set_unreachable(*peer);
}

void Broker::shut_down(TimePoint now, Outbox& out) {
  const Call call(*this, now, out);
  shutting_down_ = true;
  for (const auto& [session, peer] : by_session_) {
    const auto retry_ms = std::chrono::duration_cast<std::chrono::milliseconds>(options_.heartbeat / 2).count();
    say(*peer, Bye{"the broker is shutting down", static_cast<std::uint32_t>(retry_ms)});
  }
  out.finished();
}

// Effects first, then what they and the messages have stirred up; each may cause the other.
void Broker::settle() {
  if (backlog_bytes_ < options_.backlog_bytes) stirred_jobs_.insert(closed_windows_.begin(), closed_windows_.end());
  for (;;) {
    while (!effects_.empty() && effects_.front().first <= committed_) {
      Effect effect = std::move(effects_.front().second);
      effects_.pop_front();
      std::visit([this](auto& each) { apply(each); }, effect);
    }
    if (stirred_workers_.empty() && stirred_jobs_.empty()) break;
    const auto workers = std::exchange(stirred_workers_, {});
    const auto jobs = std::exchange(stirred_jobs_, {});
    for (const JobId id : jobs) {
      if (Job* job = find_job(id)) update_ready(*job);
    }
    for (const Incarnation incarnation : workers) {
      if (Worker* worker = find_worker(incarnation)) dispatch(*worker);
    }
    for (const JobId id : jobs) {
      Job* job = find_job(id);
      if (job == nullptr) continue;
      reserve(*job);
      dispatch(*job);
      read_ahead(*job);
      if (job->accept_now) tell_accepted(*job);
      deliver(*job);
      offer_window(*job);
      note_standing(*job);
    }
    for (const JobId id : jobs) {
      if (const Job* job = find_job(id)) check(*job);
    }
    for (const Incarnation incarnation : workers) {
      if (const Worker* worker = find_worker(incarnation)) check(*worker);
    }
  }
}

// What cannot be said takes its number all the same. A peer that comes back by repeating its HELLO finds the gap, and greets anew.
void Broker::say(Peer& peer, Message message) {
  if (!peer.reachable) {
    if (peer.is_welcomed) peer.gate.next_seq();
    return;
  }
  peer.liveness.said(awake_.now());
  out_->send(peer.address, {peer.gate.session(), peer.gate.next_seq(), std::move(message)});
}

void Broker::reject(Peer& peer, ErrorCode code, std::string text, std::uint64_t expected) {
  say(peer, Error{current_seq_, code, info(code).retryable, std::move(text), expected, current_req_, current_job_});
}

void Broker::on_timer(const Timer& timer) {
  const auto job = [&]() -> Job* { return find_job(JobId{timer.id}); };
  const auto peer = [&]() -> Peer* { return find_peer(SessionId{static_cast<std::uint32_t>(timer.id)}); };
  switch (timer.kind) {
    case TimerKind::heartbeat:
      if (Peer* due = peer()) beat(*due);
      break;
    case TimerKind::expiry:
      if (Peer* due = peer()) look_for(*due);
      break;
    case TimerKind::retry:
      if (Job* due = job()) wake_delayed(*due);
      break;
    case TimerKind::progress:
      if (Job* due = job()) tell_progress(*due);
      break;
    case TimerKind::writer_gone:
      if (Job* due = job()) look_for_writer(*due);
      break;
    case TimerKind::stall:
      if (Job* due = job()) tell_standing(*due);
      break;
    case TimerKind::accept:
      if (Job* due = job(); due != nullptr && due->accept_due) tell_accepted(*due);
      break;
    case TimerKind::unclaimed:
      hand_out_unclaimed();
      break;
    case TimerKind::results_ack:
      if (auto* due = dynamic_cast<Worker*>(peer()); due != nullptr && due->ack_due) acknowledge(*due);
      break;
    case TimerKind::recall:
      recall_hoarded();
      break;
    case TimerKind::beat:
      events_.publish(*out_, std::string(kBrokerTopic), "beat", row_of_broker());
      timers_.remind(now_ + options_.heartbeat, TimerKind::beat, 0);
      break;
  }
}

}  // namespace stint::broker
