#include "common/session/liveness.hpp"

#include <algorithm>

namespace stint {

TimePoint WakingClock::turn(TimePoint now) {
  if (!started_) {
    waking_ = now;
    started_ = true;
  } else {
    waking_ += std::clamp(now - last_turn_, Duration::zero(), interval_);
  }
  last_turn_ = now;
  return waking_;
}

// A shorter one: the other side, silent for as long as it was allowed to be, has yet to hear of it.
void Liveness::set_interval(Duration interval, TimePoint now) {
  if (interval < interval_) heard_ = std::max(heard_, now - interval);
  interval_ = interval;
}

}  // namespace stint
