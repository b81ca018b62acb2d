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

}  // namespace stint
