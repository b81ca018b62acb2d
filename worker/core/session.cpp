#include "worker/core/session.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "common/model/limits.hpp"

namespace stint::worker {
namespace {

constexpr Duration kAnswerWait = 500ms;  // a leaving worker waits so long for the answer to its HELLO

std::string listing(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

std::string counted(std::uint64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

Session::Session(SessionOptions options, TimePoint now)
    : options_(std::move(options)), conversation_(options_.incarnation, options_.random, now) {}

void Session::step(TimePoint now, const Envelope& envelope, Outbox& out) {
  if (left_) return;
  switch (conversation_.receive(now, envelope)) {
    case News::welcomed:
      welcomed(now, out);
      break;
    case News::message:
      handle(now, envelope.message, out);
      break;
    case News::lost:
    case News::nothing:
      lost(out);
      break;
  }
  leave_if_done(now, out);
}

void Session::handle(TimePoint now, const Message& message, Outbox& out) {
  std::visit([&](const auto& body) { on(now, body, out); }, message);
}

void Session::drained(TimePoint now, Outbox& out) {
  if (left_) return;
  conversation_.drained(now);
  lost(out);
}

void Session::tick(TimePoint now, Outbox& out) {
  if (left_) return;
  switch (conversation_.tick(now)) {
    case Duty::connect:
      out.emplace_back(Connect{});
      greet(now, out);
      break;
    case Duty::greet:
      greet(now, out);
      break;
    case Duty::repeat:
      out.emplace_back(Send{conversation_.repeat(now)});
      say_unreachable(out);
      break;
    case Duty::heartbeat:
      send(now, Heartbeat{static_cast<std::uint32_t>(load_.running.size()), load_.queued, 0}, out);
      break;
    case Duty::none:
      break;
  }
  lost(out);
  enforce_deadline(now, out);
  leave_if_done(now, out);
}

TimePoint Session::next_deadline() const {
  if (left_) return TimePoint::max();
  const TimePoint leave_at = farewell_at_ == TimePoint::max() ? give_up_at_ : farewell_at_;  // the one comes behind the other
  const TimePoint answer_by = draining_ && answer_by_ != TimePoint{} ? answer_by_ : TimePoint::max();
  return std::min({conversation_.next_deadline(), overtime_check_, stop_at_, leave_at, answer_by});
}

void Session::send(TimePoint now, Message message, Outbox& out) {
  if (conversation_.in_session()) out.emplace_back(Send{conversation_.wrap(now, std::move(message))});
}

// --- greeting ------------------------------------------------------------------------------------------------------

void Session::greet(TimePoint now, Outbox& out) {
  said_ = {options_.kinds, options_.slots, draining_};
  if (!draining_) answer_by_ = now + kAnswerWait;
  out.emplace_back(Send{conversation_.greet(now, hello())});
}

void Session::say_state(TimePoint now, Outbox& out) {
  if (!in_session()) return;  // the next HELLO says it, or what follows its WELCOME
  said_ = {options_.kinds, options_.slots, draining_};
  send(now, said_, out);
}

Hello Session::hello() const {
  Hello hello;
  hello.role = Role::worker;
  hello.name = options_.name;
  hello.kinds = options_.kinds;
  hello.slots = options_.slots;
  hello.draining = draining_;
  std::map<LeaseId, HeldLease> held;
  for (const auto& [ticket, lease] : leases_) {
    if (!lease.tasks.empty()) held[lease.id] = {lease.id, lease.job->job, lease.tasks.runs()};
  }
  for (const Unacknowledged::Entry& entry : results_.entries()) {
    HeldLease& lease = held[entry.lease];
    lease.lease = entry.lease;
    lease.job = entry.job;
    for (std::uint32_t i = 0; i < entry.outcomes.count(); ++i) append(lease.runs, entry.outcomes.indices.at(i));
  }
  for (auto& [id, lease] : held) {
    normalise(lease.runs);
    hello.held.push_back(std::move(lease));
  }
  return hello;
}

void Session::welcomed(TimePoint now, Outbox& out) {
  const Welcome& welcome = conversation_.welcome();
  const bool again = was_welcomed_;
  was_in_session_ = was_welcomed_ = true;
  answer_by_ = {};
  said_unreachable_ = false;
  if (options_.name.empty()) options_.name = welcome.name;
  out.emplace_back(Say{(again ? "back at " : "joined ") + options_.broker + " as " + welcome.name + ": " +
                       counted(options_.slots, "slot") + ", kinds " + listing(options_.kinds)});
  out.emplace_back(Obey{welcome.max_payload_bytes, welcome.batch_bytes});
  results_.unsend();
  if (said_ != State{options_.kinds, options_.slots, draining_}) say_state(now, out);  // it changed behind the HELLO
  if (conversation_.store_changed()) drop_everything(out);
  for (const Drop& dropped : welcome.drop) drop(now, dropped, out);
  for (Unacknowledged::Entry& entry : results_.entries()) send_results(now, entry, out);
  regulate(out);
}

// Another store knows nothing of what we hold, and may give the same numbers to other leases and jobs.
void Session::drop_everything(Outbox& out) {
  const std::uint64_t tasks = count(Phase::live) + count(Phase::leaving) + results_.tasks();
  if (tasks > 0) {
    out.emplace_back(Say{"the broker has lost its store: " + counted(tasks, "task") + " of the old one dropped"});
  }
  for (const auto& [ticket, lease] : leases_) out.emplace_back(StopTasks{ticket, {}, RecallMode::stop});
  for (const auto& [ticket, lease] : leases_) {
    if (lease.job->time_limit_ms > 0) orphans_[ticket].time_limit_ms = lease.job->time_limit_ms;
  }
  leases_.clear();
  tickets_.clear();
  jobs_.clear();
  results_.clear();
  limited_ = 0;
}

// Notices once that the session is over, however that came about.
void Session::lost(Outbox& out) {
  if (!was_in_session_ || conversation_.in_session()) return;
  was_in_session_ = false;
  results_.unsend();
  for (auto& [ticket, lease] : leases_) lease.unanswered = 0;
  for (auto at = leases_.begin(); at != leases_.end();) forget_if_empty(at++);
  out.emplace_back(Say{"reconnecting to the broker at " + options_.broker + conversation_.because() + "; " +
                       counted(count(Phase::live), "task") + " and " + counted(results_.tasks(), "result") + " kept"});
}

void Session::say_unreachable(Outbox& out) {
  if (std::exchange(said_unreachable_, true)) return;
  out.emplace_back(Say{"no answer from a broker at " + options_.broker +
                       "; is stint-broker running there (--broker says where to look)? Trying on"});
}

// A refused HELLO: where trying again cannot help, a worker that stays would only hide it.
void Session::on(TimePoint now, const Error& error, Outbox& out) {
  if (conversation_.in_session()) {
    out.emplace_back(Say{"the broker rejected message " + std::to_string(error.re_seq) + ": " + error.text});
  } else if (error.retryable) {
    if (!std::exchange(said_unreachable_, true))
      out.emplace_back(Say{"the broker does not let us in yet: " + error.text});
  } else {
    leave_at_once(now, kExitRefused, "the broker refuses this worker: " + error.text, out);
  }
}

// --- what the owner wants ------------------------------------------------------------------------------------------

void Session::offer(TimePoint now, std::vector<std::string> kinds, std::uint32_t slots, Outbox& out) {
  if (left_) return;
  options_.kinds = std::move(kinds);
  options_.slots = slots;
  say_state(now, out);
}

}  // namespace stint::worker
