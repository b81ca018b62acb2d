// How a worker leaves: nothing is lost by it, and no wait is without an end.
#include "tests/worker/bench.hpp"

namespace stint::worker {
namespace {

struct Leaving : Bench {  // ten tasks, of which 0 and 1 run
  Leaving() {
    join();
    describe(job(7));
    give(lease(1), {0, 10});
    forget_said();
  }
  void drain_by(const std::string& who, std::uint32_t deadline_ms = 0) {
    if (who == "broker") {
      say(Drain{deadline_ms});
    } else {
      act([&](Outbox& out) { session.drain(now, std::chrono::milliseconds(deadline_ms), "SIGTERM received", out); });
    }
    const auto state = sent<State>();
    CHECK(state.draining);
    CHECK(asked<StopTasks>().mode == RecallMode::unstarted);
    executor_gives_back(lease(1), {{2, 8}});
    CHECK(sent<Release>() == Release{lease(1), {{2, 8}}});
  }
};

TEST_CASE("a drained worker gives back what has not started, finishes what runs, hands it in and says BYE") {
  Leaving bench;
  SUBCASE("by the broker") { bench.drain_by("broker"); }
  SUBCASE("by its owner") { bench.drain_by("owner"); }
  CHECK_FALSE(bench.left);
  bench.executor_ends(lease(1), {0, 2});
  CHECK(bench.sent<LeaseResults>().outcomes.count() == 2);
  CHECK_FALSE(bench.left);
  bench.acknowledge();
  bench.sent<Bye>();
  CHECK(bench.left == kExitOk);
  CHECK(bench.is_quiet());
}

TEST_CASE("tasks that crossed the goodbye go back") {
  Leaving bench;
  bench.drain_by("owner");
  bench.give(lease(2), {50, 3});
  CHECK(bench.sent<Release>() == Release{lease(2), {{50, 3}}});
}

TEST_CASE("past the deadline of a drain what runs is stopped and released, and the worker says how many results it kept") {
  Leaving bench;
  bench.drain_by("broker", 3000);
  bench.executor_ends(lease(1), {0, 1});
  bench.pass(2500ms);
  bench.messages.clear();
  CHECK(bench.orders.empty());
  bench.acknowledge();
  bench.pass(500ms);
  CHECK(bench.asked<StopTasks>().mode == RecallMode::stop);
  CHECK(bench.said("the drain's deadline is over: 1 result kept, 1 task stopped and given back"));
  SUBCASE("handlers that return are waited for") {
    bench.executor_gives_back(lease(1), {{1, 1}});
    CHECK(bench.sent<Release>() == Release{lease(1), {{1, 1}}});
    CHECK(bench.sent<Bye>().reason == "drained by the broker; at its deadline 1 result kept, 1 task stopped and given back");
    CHECK(bench.left == kExitOk);
  }
  SUBCASE("the others for a grace") {
    for (int i = 0; i < 20 && !bench.left; ++i) {
      bench.say(Heartbeat{});
      bench.pass(500ms);
    }
    CHECK(bench.left == kExitOk);
  }
}

TEST_CASE("a worker with nothing to do leaves at once") {
  Bench bench;
  SUBCASE("in session, with a goodbye") {
    bench.join();
    bench.act([&](Outbox& out) { bench.session.drain(bench.now, {}, "SIGTERM received", out); });
    bench.sent<State>();
    bench.sent<Bye>();
  }
  SUBCASE("without a broker, without one") {
    bench.pass(5s);
    bench.forget_said();
    bench.act([&](Outbox& out) { bench.session.drain(bench.now, {}, "SIGTERM received", out); });
    bench.pass(500ms);  // the answer to a HELLO is waited for no longer
    CHECK(bench.is_quiet());
  }
  SUBCASE("while it greets, once it is welcomed: there may be tasks behind the answer") {
    bench.tick();
    bench.sent<Hello>();
    bench.act([&](Outbox& out) { bench.session.drain(bench.now, {}, "SIGTERM received", out); });
    CHECK_FALSE(bench.left);
    bench.welcome();
    CHECK(bench.sent<State>().draining);
    bench.sent<Bye>();
  }
  CHECK(bench.left == kExitOk);
}

TEST_CASE("results that nobody acknowledges keep a leaving worker for a while, and it says what becomes of them") {
  Leaving bench;
  bench.drain_by("owner");
  bench.executor_ends(lease(1), {0, 2});
  bench.pass(limits::kFarewellWait - 500ms);
  CHECK_FALSE(bench.left);
  bench.pass(500ms);
  CHECK(bench.left == kExitOk);
  CHECK(bench.said("2 results were not acknowledged"));
}

TEST_CASE("a draining worker that has to greet again says that it drains, and hands in what it has") {
  Leaving bench;
  bench.drain_by("owner");
  bench.executor_ends(lease(1), {0, 2});
  bench.forget_said();
  bench.say(HelloAgain{});
  bench.tick();
  const auto hello = bench.sent<Hello>();
  CHECK(hello.draining);
  CHECK(hello.held.size() == 1);
  bench.welcome();
  bench.sent<LeaseResults>();
  bench.acknowledge();
  bench.sent<Bye>();
  CHECK(bench.left == kExitOk);
}

TEST_CASE("a second signal ends it at once") {
  Leaving bench;
  bench.drain_by("owner");
  bench.act([&](Outbox& out) { bench.session.leave_at_once(bench.now, kExitInterrupted, "a second SIGTERM", out); });
  bench.sent<Bye>();
  CHECK(bench.left == kExitInterrupted);
}

TEST_CASE("a worker that has left says and does nothing more") {
  Bench bench;
  bench.join();
  bench.act([&](Outbox& out) { bench.session.drain(bench.now, {}, "SIGTERM received", out); });
  REQUIRE(bench.left == kExitOk);
  bench.forget_said();
  bench.act([&](Outbox& out) {
    bench.session.drain(bench.now, {}, "SIGTERM received", out);
    bench.session.offer(bench.now, {"other"}, 1, out);
    bench.session.slot_lost(bench.now, "a handler did not stop", out);
    bench.session.drained(bench.now, out);
    bench.session.tick(bench.now, out);
  });
  bench.describe(job(7));
  bench.give(lease(1), {0, 1});
  CHECK(bench.is_quiet());
  CHECK(bench.lines.empty());
}

}  // namespace
}  // namespace stint::worker
