// What a loop waits with: wakeups, signals, deadlines.
#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "common/net/clock.hpp"
#include "common/net/random.hpp"
#include "common/net/signals.hpp"
#include "common/net/wait.hpp"
#include "common/system/wakeup.hpp"

namespace stint {
namespace {

TEST_CASE("time does not go back, and random bits differ") {
  const TimePoint first = now();
  CHECK(now() >= first);
  CHECK(random_bits() != random_bits());
}

TEST_CASE("waiting ends at its deadline") {
  Wakeup wakeup;
  const TimePoint deadline = now() + 5ms;
  CHECK_FALSE(wait({wakeup.fd()}, deadline));
  CHECK(now() >= deadline);
  CHECK_FALSE(wait({}, TimePoint::min()));
}

TEST_CASE("a wakeup ends the wait, once however often it was called") {
  Wakeup wakeup;
  for (int i = 0; i < 1'000; ++i) wakeup.wake();
  CHECK(wait({wakeup.fd()}, TimePoint::max()));
  wakeup.clear();
  CHECK_FALSE(wait({wakeup.fd()}, now()));
  wakeup.wake();
  CHECK(wait({wakeup.fd()}, now() + 10s));
}

TEST_CASE("who stays awake is woken and given up on like who sleeps") {
  Wakeup wakeup;
  for (const Duration awake : {Duration(1ms), Duration(1h)}) {
    const TimePoint deadline = now() + 5ms;
    CHECK_FALSE(wait({wakeup.fd()}, deadline, awake));
    CHECK(now() >= deadline);
  }
  for (const Duration awake : {Duration(1us), Duration(1h)}) {
    std::thread other([&] { wakeup.wake(); });
    CHECK(wait({wakeup.fd()}, now() + 10s, awake));
    other.join();
    wakeup.clear();
  }
}

TEST_CASE("no wakeup from another thread is lost") {
  Wakeup wakeup;
  constexpr int kItems = 20'000;
  std::atomic<int> left_there{0};
  std::thread other([&] {
    for (int i = 0; i < kItems; ++i) {
      left_there.fetch_add(1, std::memory_order_relaxed);
      wakeup.wake();
    }
  });
  const TimePoint deadline = now() + 60s;
  while (left_there.load(std::memory_order_relaxed) < kItems) {
    REQUIRE(wait({wakeup.fd()}, deadline));
    wakeup.clear();
  }
  other.join();
}

TEST_CASE("signals are counted and end the wait") {
  Signals signals;
  CHECK(signals.count() == 0);
  std::raise(SIGTERM);
  CHECK(wait({signals.fd()}, now() + 10s));
  signals.clear();
  CHECK(signals.count() == 1);
  CHECK(signals.last() == SIGTERM);
  std::raise(SIGINT);
  CHECK(wait({signals.fd()}, now() + 10s));
  CHECK(signals.count() == 2);
  CHECK(signals.last() == SIGINT);
}

TEST_CASE("the former handlers come back") {
  struct sigaction before {};
  sigaction(SIGTERM, nullptr, &before);
  { Signals signals; }
  struct sigaction after {};
  sigaction(SIGTERM, nullptr, &after);
  CHECK((after.sa_handler == before.sa_handler));
}

}  // namespace
}  // namespace stint
