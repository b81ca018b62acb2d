// Time as the cores see it: a value that is handed in. Nothing in a core can ask for it, since this clock has no now(); the shells
// read it once a turn (common/net/clock.hpp). Time decides nothing but how long to wait.
#pragma once

#include <chrono>
#include <cstdint>

namespace stint {

using Duration = std::chrono::nanoseconds;

struct Monotonic {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  static constexpr bool is_steady = true;
};

using TimePoint = std::chrono::time_point<Monotonic, Duration>;

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ns;

}  // namespace stint
