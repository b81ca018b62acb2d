#include "common/session/conversation.hpp"

#include <algorithm>
#include <utility>

#include "common/model/escape.hpp"
#include "common/model/limits.hpp"
#include "common/model/require.hpp"
#include "common/session/backoff.hpp"

namespace stint {

Conversation::Conversation(Incarnation incarnation, std::uint64_t random, TimePoint now)
    : incarnation_(incarnation), random_(random), connect_at_(now), awake_(limits::kHeartbeat), interval_(limits::kHeartbeat) {
  awake_.turn(now);
}

Duty Conversation::tick(TimePoint now) {
  awake_.turn(now);
  switch (state_) {
    case Phase::apart:
      return now >= connect_at_ ? Duty::connect : Duty::none;
    case Phase::greeting:
      if (greet_due_) return Duty::greet;
      if (now >= greet_by_) return part(now), Duty::none;
      return now >= repeat_at_ ? Duty::repeat : Duty::none;
    case Phase::in_session:
      return liveness_.owes_heartbeat(awake_.now()) ? Duty::heartbeat : Duty::none;
    case Phase::finished:
      return Duty::none;
  }
  return Duty::none;
}

void Conversation::drained(TimePoint now) {
  awake_.turn(now);
  if (state_ == Phase::in_session && liveness_.is_gone(awake_.now())) part(now);
}

void Conversation::part(TimePoint now, std::string reason) {
  state_ = Phase::apart;
  reason_ = std::move(reason);
  gate_ = Gate();
  ++failures_;
  connect_at_ = now + delay(failures_);
}

// Before the n-th try.
Duration Conversation::delay(std::uint32_t n) {
  random_ = random_ * 6364136223846793005U + 1442695040888963407U;  // Knuth, MMIX: enough for jitter
  const Duration cap = std::min(limits::kReconnectMax, interval_);
  return backoff_delay(n, std::min(limits::kReconnectMin, cap), cap, random_ >> 16);
}

Envelope Conversation::greet(TimePoint now, Hello hello) {
  STINT_REQUIRE(state_ != Phase::finished);
  state_ = Phase::greeting;
  greet_due_ = false;
  gate_ = Gate();
  hello.incarnation = incarnation_;
  hello.hello_no = ++hello_no_;
  hello.version = kProtocolMajor;
  hello.store = welcome_ ? welcome_->store : StoreId{};
  greet_by_ = now + limits::kLiveness * interval_;
  hellos_ = 0;
  last_hello_ = {SessionId{}, 0, std::move(hello)};
  return repeat(now);
}

// Soon at first: a broker that was just being killed took the last one with it, and the next broker may be there already.
Envelope Conversation::repeat(TimePoint now) {
  repeat_at_ = now + delay(++hellos_);
  return last_hello_;
}

Envelope Conversation::wrap(TimePoint now, Message message) {
  STINT_REQUIRE(state_ == Phase::in_session);
  awake_.turn(now);
  liveness_.said(awake_.now());
  return {gate_.session(), gate_.next_seq(), std::move(message)};
}

News Conversation::receive(TimePoint now, const Envelope& envelope) {
  awake_.turn(now);
  if (std::holds_alternative<Welcome>(envelope.message)) return welcomed(now, envelope);
  if (std::holds_alternative<Error>(envelope.message) && envelope.session == SessionId{}) return News::message;
  if (state_ != Phase::in_session) return News::nothing;
  if (const auto* again = std::get_if<HelloAgain>(&envelope.message)) return must_greet(again->reason);
  switch (gate_.admit(envelope.session, envelope.seq)) {
    case Gate::Verdict::duplicate:
    case Gate::Verdict::foreign:
      return News::nothing;
    case Gate::Verdict::gap:
      return must_greet("messages are missing");
    case Gate::Verdict::pass:
      break;
  }
  liveness_.heard(awake_.now());
  if (const auto* heartbeat = std::get_if<Heartbeat>(&envelope.message); heartbeat != nullptr && heartbeat->heartbeat_ms > 0) {
    set_interval(heartbeat->heartbeat_ms);
    liveness_.set_interval(interval_, awake_.now());
  }
  if (const auto* bye = std::get_if<Bye>(&envelope.message)) {
    part(now, bye->reason);
    connect_at_ = std::max(connect_at_, now + std::chrono::milliseconds(bye->retry_after_ms));
    return News::lost;
  }
  return News::message;
}

News Conversation::must_greet(std::string reason) {
  state_ = Phase::greeting;
  greet_due_ = true;
  reason_ = std::move(reason);
  return News::lost;
}

std::string Conversation::because() const { return reason_.empty() ? "" : " (" + escaped(reason_) + ")"; }

News Conversation::welcomed(TimePoint now, const Envelope& envelope) {
  const auto& welcome = std::get<Welcome>(envelope.message);
  if (state_ != Phase::greeting || greet_due_ || welcome.hello_no != hello_no_) return News::nothing;
  store_changed_ = welcome_ && welcome_->store != welcome.store;
  welcome_ = welcome;
  set_interval(welcome.heartbeat_ms);
  liveness_ = Liveness(interval_, static_cast<int>(std::clamp(welcome.liveness, 1U, 1000U)), awake_.turn(now));
  gate_ = Gate(envelope.session);
  state_ = Phase::in_session;
  failures_ = 0;
  return News::welcomed;
}

void Conversation::set_interval(std::uint32_t heartbeat_ms) {
  interval_ = std::clamp<Duration>(std::chrono::milliseconds(heartbeat_ms), 1ms, 1h);
  awake_.set_interval(interval_);
}

TimePoint Conversation::next_deadline() const {
  switch (state_) {
    case Phase::apart:
      return connect_at_;
    case Phase::greeting:
      return greet_due_ ? TimePoint::min() : std::min(greet_by_, repeat_at_);
    case Phase::in_session:
      return awake_.monotonic(std::min(liveness_.next_heartbeat(), liveness_.expiry()));
    case Phase::finished:
      break;
  }
  return TimePoint::max();
}

}  // namespace stint
