#include "common/net/wait.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "common/model/require.hpp"
#include "common/net/clock.hpp"

namespace stint {
namespace {

// Rounded up: waking a moment early would turn the loop for nothing.
std::chrono::milliseconds until(TimePoint deadline) {
  if (deadline == TimePoint::max()) return std::chrono::milliseconds(-1);
  const TimePoint present = now();
  if (deadline <= present) return std::chrono::milliseconds(0);
  return std::chrono::ceil<std::chrono::milliseconds>(std::min<Duration>(deadline - present, 1h));
}

}  // namespace

bool wait(std::initializer_list<Source> sources, TimePoint deadline) {
  STINT_REQUIRE(sources.size() <= kMaxSources);
  std::array<zmq::pollitem_t, kMaxSources> items{};
  std::size_t count = 0;
  for (const Source& source : sources) {
    if (source.exists()) items[count++] = source.readable();
  }
  try {
    return zmq::poll(items.data(), count, until(deadline)) > 0;
  } catch (const zmq::error_t& error) {
    if (error.num() == EINTR) return true;
    throw;
  }
}

}  // namespace stint
