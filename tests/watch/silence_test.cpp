#include "tools/watch/silence.hpp"

#include <doctest/doctest.h>

#include "common/model/limits.hpp"

namespace stint::tool {
namespace {

constexpr TimePoint kStart{1h};

Event beat() { return {"broker.", "beat", 1, StoreId{1}, 1, {}}; }
Event about(std::string topic, std::string event = "progress") {
  return {std::move(topic), std::move(event), 1, StoreId{1}, 1, {}};
}

}  // namespace

TEST_CASE("a broker that has beaten is missed after three beats") {
  Silence silence;
  CHECK_MESSAGE(!silence.broker_is_lost(kStart + 1h), "who never beat may be no broker");
  silence.heard(kStart, beat());
  CHECK(silence.next_deadline() == kStart + 6s);
  CHECK_FALSE(silence.broker_is_lost(kStart + 5s));
  CHECK(silence.broker_is_lost(kStart + 6s));
  CHECK_MESSAGE(!silence.broker_is_lost(kStart + 7s), "the new connection gets its time");
  CHECK(silence.broker_is_lost(kStart + 12s));
}

TEST_CASE("a broker is away from the third beat that it misses until something comes of it") {
  Silence silence;
  silence.heard(kStart, beat());
  CHECK_FALSE(silence.is_away());
  CHECK(silence.broker_is_lost(kStart + 6s));
  CHECK(silence.is_away());
  silence.heard(kStart + 7s, about("job.7."));
  CHECK_FALSE(silence.is_away());
}

TEST_CASE("a broker may beat in a measure of its own") {
  Silence silence;
  Event event = beat();
  event.fields.set("heartbeat_ms", std::uint64_t{100});
  silence.heard(kStart, event);
  CHECK(silence.broker_is_lost(kStart + 300ms));
}

TEST_CASE("a silent job is asked after, until it has ended") {
  Silence silence;
  silence.heard(kStart, about("job.7."));
  silence.heard(kStart + 1s, about("job.8."));
  CHECK(silence.silent_jobs(kStart + 4s).empty());
  CHECK(silence.silent_jobs(kStart + 5s) == std::vector<std::string>{"job.7."});
  CHECK(silence.silent_jobs(kStart + 5500ms).empty());
  silence.heard(kStart + 6s, about("job.8.", "ended"));
  CHECK(silence.silent_jobs(kStart + 20s) == std::vector<std::string>{"job.7."});
}

}  // namespace stint::tool
