// The project's only clock. A shell reads it once a turn of its loop and hands the value on; cores and tests get theirs
// as arguments.
//
//   const TimePoint turn = now();
//   core.tick(turn, out);
//
// Monotonic: setting the wall clock changes nothing. May be called from any thread.
#pragma once

#include <chrono>

#include "common/model/time.hpp"

namespace stint {

inline TimePoint now() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

}  // namespace stint
