// Has the other side gone silent? Heartbeats of the Paranoid Pirate pattern (rfc.zeromq.org/spec/6), in both directions.
//
//   WakingClock awake;                             // one for each process: advances while this process does
//   Liveness broker(2s, 3, awake.turn(now));
//   broker.heard(awake.turn(now));                 // any message counts
//   if (broker.is_gone(awake.drained())) reconnect();
//
// Silence is measured on a clock that stands still while we do: a process that was stopped for a minute has heartbeats waiting
// unread, and must not blame its peers for its own sleep. And it is measured up to the moment at which our own socket was last
// drained, not up to now.
#pragma once

#include "common/model/time.hpp"

namespace stint {

// Monotonic time less the time for which this process did not turn its loop: a turn advances it by one interval at the most.
class WakingClock {
 public:
  explicit WakingClock(Duration interval) : interval_(interval) {}

  TimePoint turn(TimePoint now);                 // call once a turn; returns the waking time
  TimePoint now() const { return waking_; }
  TimePoint monotonic(TimePoint waking) const { return last_turn_ + (waking - waking_); }  // if we stay awake until then
  void set_interval(Duration interval) { interval_ = interval; }

 private:
  Duration interval_;
  TimePoint last_turn_{};
  TimePoint waking_{};
  bool started_ = false;
};

class Liveness {
 public:
  Liveness() = default;
  Liveness(Duration interval, int limit, TimePoint now) : interval_(interval), limit_(limit), heard_(now), said_(now) {}

  void heard(TimePoint now) { heard_ = now; }
  void said(TimePoint now) { said_ = now; }
  void set_interval(Duration interval, TimePoint now);  // for both directions, once the other side was told, or has told us
  Duration interval() const { return interval_; }
  TimePoint last_heard() const { return heard_; }
  TimePoint last_said() const { return said_; }

  bool owes_heartbeat(TimePoint now) const { return now - said_ >= interval_; }
  bool is_gone(TimePoint drained) const { return drained - heard_ >= limit_ * interval_; }
  TimePoint next_heartbeat() const { return said_ + interval_; }
  TimePoint expiry() const { return heard_ + limit_ * interval_; }

 private:
  Duration interval_{};
  int limit_ = 0;
  TimePoint heard_{};
  TimePoint said_{};
};

}  // namespace stint
