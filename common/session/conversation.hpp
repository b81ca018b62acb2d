// A peer's side of its conversation with the broker: greeting, numbering, heartbeats, and coming back. Worker and client put their
// own messages on top of it. Pure: it says what to do, its owner does it.
//
//   Conversation broker(incarnation, random_bits, now);
//   switch (broker.tick(now)) {                    // at the latest at broker.next_deadline()
//     case Duty::connect:   link.connect(); send(broker.greet(now, my_hello())); break;
//     case Duty::greet:     send(broker.greet(now, my_hello())); break;
//     case Duty::repeat:    send(broker.repeat(now)); break;
//     case Duty::heartbeat: send(broker.wrap(now, Heartbeat{...})); break;
//     case Duty::none:      break;
//   }
//   switch (broker.receive(now, envelope)) {       // each message that arrives
//     case News::welcomed: make_the_rest_good(); break;
//     case News::message:  handle(envelope.message); break;   // in order, at most once
//     case News::lost:     nothing can be sent until the next welcome; break;
//     case News::nothing:  break;
//   }
//
// An ERROR outside any session (a refused HELLO) is passed on as a message in every state.
//
// States: apart (waiting to connect) -> greeting (HELLO sent) -> in session -> apart or greeting again. Only in session may wrap()
// be called. Silence of the broker for three intervals, and its BYE, lead back to apart; a gap and HELLO_AGAIN to greeting.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/model/messages.hpp"
#include "common/session/gate.hpp"
#include "common/session/liveness.hpp"

namespace stint {

enum class Duty { none, connect, greet, repeat, heartbeat };
enum class News { nothing, welcomed, message, lost };

class Conversation {
 public:
  // `random` seeds the jitter of reconnecting and repeating; nothing else depends on it.
  Conversation(Incarnation incarnation, std::uint64_t random, TimePoint now);

  Duty tick(TimePoint now);
  News receive(TimePoint now, const Envelope& envelope);
  void drained(TimePoint now);  // our socket was empty: silence up to now is the broker's

  Envelope greet(TimePoint now, Hello hello);  // fills in incarnation, hello_no, store and version
  Envelope repeat(TimePoint now);              // the last HELLO once more
  Envelope wrap(TimePoint now, Message message);

  bool in_session() const { return state_ == Phase::in_session; }
  bool ever_welcomed() const { return welcome_.has_value(); }
  const Welcome& welcome() const { return *welcome_; }  // the last one. Requires: ever_welcomed()
  bool store_changed() const { return store_changed_; } // the last WELCOME came from another store than the one before
  std::uint32_t last_sent() const { return gate_.last_sent(); }  // the number of our last message in this session
  std::uint32_t failed_connects() const { return failures_; }  // since the last welcome
  std::string because() const;  // " (REASON)", as the broker gave it for the end of the last session; empty: it fell silent
  TimePoint next_deadline() const;

  void farewell() { state_ = Phase::finished; }  // we have said BYE: nothing more is due

 private:
  enum class Phase { apart, greeting, in_session, finished };

  News welcomed(TimePoint now, const Envelope& envelope);
  News must_greet(std::string reason);
  void part(TimePoint now, std::string reason = {});
  void set_interval(std::uint32_t heartbeat_ms);
  Duration delay(std::uint32_t n);

  Incarnation incarnation_;
  std::uint64_t random_;
  Phase state_ = Phase::apart;
  TimePoint connect_at_;
  TimePoint greet_by_{};      // greeting: when this connection is given up
  TimePoint repeat_at_{};     // greeting: when HELLO is said again
  std::uint32_t hellos_ = 0;  // greeting: how often it was said
  bool greet_due_ = false;    // in session: a gap or HELLO_AGAIN was seen
  std::uint32_t failures_ = 0;
  std::uint32_t hello_no_ = 0;
  std::string reason_;        // for the end of the last session
  Envelope last_hello_;
  std::optional<Welcome> welcome_;
  bool store_changed_ = false;
  Gate gate_;
  WakingClock awake_;
  Liveness liveness_;
  Duration interval_;
};

}  // namespace stint
