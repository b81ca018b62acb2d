// Numbers, silence and coming back: what both ends of every conversation rest on.
#include <doctest/doctest.h>

#include "common/model/limits.hpp"
#include "common/session/backoff.hpp"
#include "common/session/conversation.hpp"
#include "common/session/gate.hpp"
#include "common/session/liveness.hpp"

namespace stint {
namespace {

const TimePoint kStart{1h};

TEST_CASE("the gate lets each message of its session pass once and in order") {
  Gate gate(SessionId{5});
  CHECK(gate.admit(SessionId{4}, 1) == Gate::Verdict::foreign);
  CHECK(gate.admit(SessionId{5}, 1) == Gate::Verdict::pass);
  CHECK(gate.admit(SessionId{5}, 1) == Gate::Verdict::duplicate);
  CHECK(gate.admit(SessionId{5}, 3) == Gate::Verdict::gap);
  CHECK(gate.admit(SessionId{5}, 2) == Gate::Verdict::pass);
  CHECK(gate.admit(SessionId{5}, 0) == Gate::Verdict::duplicate);
  CHECK(Gate().admit(SessionId{}, 1) == Gate::Verdict::foreign);
}

TEST_CASE("numbers wrap around without anybody noticing") {
  Gate sender(SessionId{1});
  Gate receiver(SessionId{1});
  for (int i = 0; i < 3; ++i) CHECK(receiver.admit(SessionId{1}, sender.next_seq()) == Gate::Verdict::pass);
  // Half of all numbers lie ahead, half behind.
  CHECK(receiver.admit(SessionId{1}, 0x7fff'ffff) == Gate::Verdict::gap);
  CHECK(receiver.admit(SessionId{1}, 0xffff'ffff) == Gate::Verdict::duplicate);
  CHECK(receiver.admit(SessionId{1}, 0x8000'0004) == Gate::Verdict::duplicate);
  CHECK(receiver.admit(SessionId{1}, 0x8000'0003) == Gate::Verdict::gap);
  CHECK(receiver.last_received() == 3);
}

TEST_CASE("a waking clock advances by one interval a turn at the most, and never back") {
  WakingClock clock(1s);
  CHECK(clock.turn(kStart) == kStart);
  CHECK(clock.turn(kStart + 500ms) == kStart + 500ms);
  CHECK(clock.turn(kStart + 60s) == kStart + 1500ms);
  CHECK(clock.turn(kStart + 50s) == kStart + 1500ms);
  CHECK(clock.turn(kStart + 50s + 100ms) == kStart + 1600ms);
  CHECK(clock.monotonic(clock.now() + 1s) == kStart + 51s + 100ms);
}

TEST_CASE("who is silent for so many intervals is gone; who has said nothing for one owes a heartbeat") {
  Liveness peer(2s, 3, kStart);
  CHECK_FALSE(peer.owes_heartbeat(kStart + 1999ms));
  CHECK(peer.owes_heartbeat(kStart + 2s));
  peer.said(kStart + 2s);
  CHECK(peer.next_heartbeat() == kStart + 4s);
  CHECK_FALSE(peer.is_gone(kStart + 5999ms));
  CHECK(peer.is_gone(kStart + 6s));
  peer.heard(kStart + 5s);
  CHECK_FALSE(peer.is_gone(kStart + 10s));
  CHECK(peer.expiry() == kStart + 11s);
}

TEST_CASE("waits double up to their cap, with jitter that leaves at least half") {
  for (std::uint32_t n = 1; n < 100; ++n) {
    const Duration full = std::min<Duration>(100ms * (1LL << std::min(n - 1, 20U)), 2s);
    for (const std::uint64_t random : {0ULL, 1ULL, 123456789012345ULL, ~0ULL}) {
      const Duration wait = backoff_delay(n, 100ms, 2s, random);
      CHECK(wait >= full / 2);
      CHECK(wait <= full);
    }
  }
  CHECK(backoff_delay(1, 0ms, 2s, 7) == 0ms);
  CHECK(backoff_delay(5, 10s, 2s, 7) <= 2s);
}

// --- a peer's conversation
// --------------------------------------------------------------------------------------------------

struct Talk {
  Conversation peer{Incarnation{9}, 1, kStart};
  TimePoint now = kStart;
  std::uint32_t session = 0;
  std::uint32_t seq = 0;

  Envelope greets() {
    REQUIRE(peer.tick(now) == Duty::connect);
    return peer.greet(now, {});
  }
  Envelope welcome(std::uint32_t hello_no, StoreId store = StoreId{1}) {
    Welcome welcome;
    welcome.hello_no = hello_no;
    welcome.heartbeat_ms = 1000;
    welcome.liveness = 3;
    welcome.store = store;
    seq = 0;
    return {SessionId{++session}, 0, welcome};
  }
  void is_welcomed() {
    const Hello hello = std::get<Hello>(greets().message);
    REQUIRE(peer.receive(now, welcome(hello.hello_no)) == News::welcomed);
  }
  News hears(Message message) { return peer.receive(now, {SessionId{session}, ++seq, std::move(message)}); }
};

TEST_CASE("a peer connects, greets, and is in session with the WELCOME that answers it") {
  Talk talk;
  const Envelope envelope = talk.greets();
  const Hello hello = std::get<Hello>(envelope.message);
  CHECK(envelope.seq == 0);
  CHECK(hello.incarnation == Incarnation{9});
  CHECK(hello.hello_no == 1);
  CHECK(hello.store == StoreId{});
  CHECK(talk.peer.receive(talk.now, talk.welcome(7)) == News::nothing);
  CHECK(talk.peer.receive(talk.now, talk.welcome(1)) == News::welcomed);
  CHECK(talk.peer.in_session());
  CHECK(talk.peer.wrap(talk.now, Heartbeat{}).seq == 1);
  CHECK(talk.peer.receive(talk.now, talk.welcome(1)) == News::nothing);
}

TEST_CASE("HELLO is repeated soon, then more and more seldom, and the connection given up after three intervals") {
  Talk talk;
  talk.greets();
  for (const Duration full : {100ms, 200ms, 400ms, 800ms, 1600ms}) {
    CHECK(talk.peer.next_deadline() >= talk.now + full / 2);
    CHECK(talk.peer.next_deadline() <= talk.now + full);
    talk.now = talk.peer.next_deadline();
    CHECK(talk.peer.tick(talk.now) == Duty::repeat);
    CHECK(std::get<Hello>(talk.peer.repeat(talk.now).message).hello_no == 1);
    CHECK(talk.peer.tick(talk.now) == Duty::none);
  }
  talk.now = kStart + 3 * limits::kHeartbeat;
  CHECK(talk.peer.tick(talk.now) == Duty::none);
  CHECK(talk.peer.failed_connects() == 1);
  talk.now += limits::kReconnectMin;
  CHECK(std::get<Hello>(talk.greets().message).hello_no == 2);
}

TEST_CASE("in session it beats, and a broker that is silent for three intervals is gone") {
  Talk talk;
  talk.is_welcomed();
  talk.now += 1s;
  CHECK(talk.peer.tick(talk.now) == Duty::heartbeat);
  talk.peer.wrap(talk.now, Heartbeat{});
  CHECK(talk.peer.tick(talk.now) == Duty::none);
  CHECK(talk.hears(Heartbeat{}) == News::message);
  for (int i = 0; i < 29; ++i) {
    talk.now += 100ms;
    talk.peer.drained(talk.now);
  }
  CHECK(talk.peer.in_session());
  talk.now += 100ms;
  talk.peer.drained(talk.now);
  CHECK_FALSE(talk.peer.in_session());
}

TEST_CASE("the broker may tell another interval, for both directions") {
  Talk talk;
  talk.is_welcomed();
  CHECK(talk.hears(Heartbeat{0, 0, 0, 5000}) == News::message);
  talk.now += 1s;
  CHECK(talk.peer.tick(talk.now) == Duty::none);
  talk.now += 3s;
  CHECK(talk.peer.tick(talk.now) == Duty::none);
  talk.now += 1s;
  CHECK(talk.peer.tick(talk.now) == Duty::heartbeat);
  talk.peer.drained(talk.now);
  CHECK(talk.peer.in_session());
  CHECK(talk.hears(Heartbeat{0, 0, 0, 500}) == News::message);
  talk.now += 500ms;
  CHECK(talk.peer.tick(talk.now) == Duty::heartbeat);
  talk.now += 500ms;
  talk.peer.tick(talk.now);
  talk.now += 500ms;
  talk.peer.drained(talk.now);
  CHECK_FALSE(talk.peer.in_session());
}

TEST_CASE("who is told a shorter interval is not gone before it can have heard of it") {
  Liveness peer(2s, 3, kStart);
  peer.set_interval(500ms, kStart + 1900ms);
  CHECK_FALSE(peer.is_gone(kStart + 2800ms));
  CHECK(peer.is_gone(kStart + 2900ms));
}

TEST_CASE("a peer that stood still does not blame the broker") {
  Talk talk;
  talk.is_welcomed();
  talk.now += 60s;
  talk.peer.drained(talk.now);
  CHECK(talk.peer.in_session());
}

TEST_CASE("a gap, HELLO_AGAIN and BYE end the session, each in its way") {
  Talk talk;
  talk.is_welcomed();
  SUBCASE("a gap: it greets at once, under a new number") {
    ++talk.seq;
    CHECK(talk.hears(Heartbeat{}) == News::lost);
    CHECK(talk.peer.tick(talk.now) == Duty::greet);
    CHECK(std::get<Hello>(talk.peer.greet(talk.now, {}).message).hello_no == 2);
  }
  SUBCASE("HELLO_AGAIN: the same") {
    CHECK(talk.peer.receive(talk.now, {SessionId{}, 0, HelloAgain{}}) == News::lost);
    CHECK(talk.peer.tick(talk.now) == Duty::greet);
  }
  SUBCASE("BYE: it comes back after the time that was asked for") {
    CHECK(talk.hears(Bye{"", 5000}) == News::lost);
    CHECK(talk.peer.tick(talk.now + 4999ms) == Duty::none);
    CHECK(talk.peer.tick(talk.now + 5s) == Duty::connect);
  }
  SUBCASE("a duplicate and a foreign session change nothing") {
    CHECK(talk.hears(Heartbeat{}) == News::message);
    --talk.seq;
    CHECK(talk.hears(Heartbeat{}) == News::nothing);
    CHECK(talk.peer.receive(talk.now, {SessionId{99}, 9, Heartbeat{}}) == News::nothing);
    CHECK(talk.peer.in_session());
  }
}

TEST_CASE("another store is noticed, and the last one named in the next HELLO") {
  Talk talk;
  talk.is_welcomed();
  CHECK_FALSE(talk.peer.store_changed());
  CHECK(talk.peer.receive(talk.now, {SessionId{}, 0, HelloAgain{}}) == News::lost);
  CHECK(std::get<Hello>(talk.peer.greet(talk.now, {}).message).store == StoreId{1});
  CHECK(talk.peer.receive(talk.now, talk.welcome(2, StoreId{2})) == News::welcomed);
  CHECK(talk.peer.store_changed());
}

TEST_CASE("behind its own BYE nothing more is due") {
  Talk talk;
  talk.is_welcomed();
  talk.peer.farewell();
  CHECK(talk.peer.tick(talk.now + 1h) == Duty::none);
  CHECK(talk.peer.next_deadline() == TimePoint::max());
}

}  // namespace
}  // namespace stint
