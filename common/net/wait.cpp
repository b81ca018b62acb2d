#include "common/net/wait.hpp"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <span>
#include <system_error>

#include "common/model/require.hpp"
#include "common/net/clock.hpp"
#include "common/net/uninterrupted.hpp"

namespace stint {
namespace {

// To the nanosecond, and never early: that would turn the loop for nothing.
int poll_until(std::span<pollfd> items, TimePoint deadline) {
  if (deadline == TimePoint::max()) return ::ppoll(items.data(), items.size(), nullptr, nullptr);
  const TimePoint present = now();
  const Duration left = deadline > present ? std::min<Duration>(deadline - present, 1h) : Duration::zero();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  const timespec timeout{seconds.count(), (left - seconds).count()};
  return ::ppoll(items.data(), items.size(), &timeout, nullptr);
}

bool has_message(void* socket) {
  return uninterrupted([&] { return (zmq::socket_ref(zmq::from_handle, socket).get(zmq::sockopt::events) & ZMQ_POLLIN) != 0; });
}

}  // namespace

// Like zmq_poll(), with fewer system calls: it looks into every socket twice, and once more before it waits. A socket's
// descriptor tells only that something has changed since the socket was last looked into, which any call on it does;
// so that each is looked into before the wait, and after it if its descriptor has become readable.
bool wait(std::initializer_list<Source> sources, TimePoint deadline, Duration awake) {
  STINT_REQUIRE(sources.size() <= kMaxSources);
  std::array<pollfd, kMaxSources> items{};
  std::array<void*, kMaxSources> sockets{};
  std::size_t count = 0;
  for (const Source& source : sources) {
    if (!source.exists()) continue;
    if (source.socket() != nullptr && has_message(source.socket())) return true;
    sockets[count] = source.socket();
    items[count++] = {source.descriptor(), POLLIN, 0};
  }
  bool sleeps = awake <= Duration::zero();
  const TimePoint awake_until = sleeps ? TimePoint::min() : std::min(deadline, now() + awake);
  for (;;) {
    const int ready = sleeps ? poll_until({items.data(), count}, deadline) : ::poll(items.data(), count, 0);
    if (ready == 0 && sleeps) return false;
    if (ready == 0) {
      ::sched_yield();
      sleeps = now() >= awake_until;
    }
    if (ready < 0 && errno == EINTR) return true;
    if (ready < 0) throw std::system_error(errno, std::generic_category(), "poll");
    for (std::size_t i = 0; i < count; ++i) {
      if (items[i].revents != 0 && (sockets[i] == nullptr || has_message(sockets[i]))) return true;
    }
  }
}

}  // namespace stint
