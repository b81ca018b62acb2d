#include "common/session/backoff.hpp"

#include <algorithm>

namespace stint {

Duration backoff_delay(std::uint32_t n, Duration base, Duration cap, std::uint64_t random) {
  Duration full = std::min(base, cap);
  for (std::uint32_t i = 1; i < n && full < cap; ++i) full = std::min(full * 2, cap);
  const auto half = full.count() / 2;
  return Duration(half + static_cast<Duration::rep>(half == 0 ? 0 : random % static_cast<std::uint64_t>(half + 1)));
}

}  // namespace stint
