// When the broker must wake up, and for whom. An entry is a reminder, not a fact: whoever is reminded looks whether it is really
// due, and asks for another reminder if not. So nothing is ever searched or removed here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "common/model/time.hpp"

namespace stint::broker {

enum class TimerKind : std::uint8_t {
  heartbeat,    // of a session
  expiry,       // of a session
  retry,        // of a job: its next delayed task
  progress,     // of a job: its next event
  writer_gone,  // of a job: its writer's grace ends
  stall,        // of a job: why it stands still is told
  results_ack,  // of a session: results that nobody was told to be durable
  accept,       // of a job: an acceptance that nobody waited for is told
  unclaimed,    // of the broker itself: tasks that workers may have held across a restart
  recall,       // of the broker itself: whether workers hoard what others could run
  beat,         // of the broker itself
};

struct Timer {
  TimePoint due{};
  TimerKind kind{};
  std::uint64_t id = 0;

  friend bool operator>(const Timer& a, const Timer& b) { return a.due > b.due; }
};

class Timers {
 public:
  void remind(TimePoint due, TimerKind kind, std::uint64_t id) { queue_.push({due, kind, id}); }

  std::optional<TimePoint> next() const { return queue_.empty() ? std::nullopt : std::optional(queue_.top().due); }

  // The next reminder that is due; empty when there is none.
  std::optional<Timer> take(TimePoint now) {
    if (queue_.empty() || queue_.top().due > now) return std::nullopt;
    const Timer timer = queue_.top();
    queue_.pop();
    return timer;
  }

 private:
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> queue_;
};

}  // namespace stint::broker
