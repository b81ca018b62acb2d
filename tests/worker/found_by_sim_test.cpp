// What the simulator has found in the worker's session, each told by hand. The seeds stand in tests/sim/README.md.
#include "tests/worker/bench.hpp"

namespace stint::worker {

TEST_CASE("what changes between HELLO and WELCOME is said behind it") {
  Bench bench({.kinds = {"echo"}, .slots = 2});
  CHECK(bench.greeted().kinds == std::vector<std::string>{"echo"});
  bench.act([&](Outbox& out) { bench.session.offer(bench.now, {"echo", "render"}, 3, out); });
  CHECK(bench.is_quiet());
  bench.welcome();
  const auto state = bench.sent<State>();
  CHECK(state.kinds == std::vector<std::string>{"echo", "render"});
  CHECK(state.slots == 3);
}

TEST_CASE("a handler that outlives the broker's store is still held to its time limit") {
  Bench bench({.slots = 2});
  bench.join();
  bench.describe(job(7), 3000);
  bench.give(lease(1), {0, 1});
  bench.forget_said();
  const TimePoint started = bench.now;
  const TimePoint told = started + 3s;

  bench.lose_a_message();
  bench.say(Heartbeat{});
  bench.greeted();
  bench.store = StoreId{43};
  bench.welcome();
  CHECK(bench.asked<StopTasks>().mode == RecallMode::stop);
  bench.executor_gives_back(lease(1), {});
  bench.forget_said();

  bench.now = told;
  bench.executor_runs(lease(1), 0, started);
  CHECK(bench.asked<StopOvertime>().index == 0);
  bench.now = told + limits::kTimeoutGrace;
  bench.executor_runs(lease(1), 0, started, told);
  CHECK(bench.asked<WriteOff>().slot == 0);
  bench.act([&](Outbox& out) { bench.session.busy(bench.now, {}, out); });
  bench.executor_runs(lease(1), 0, started, told);  // it has returned after all, and is forgotten
  CHECK(bench.is_quiet());
}

TEST_CASE("a leaving worker that waits for an acknowledgement sleeps meanwhile") {
  Bench bench;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {0, 2});
  bench.executor_ends(lease(1), {0, 1});
  bench.say(Recall{lease(1), {}, RecallMode::stop});  // the handler of the other one does not return
  bench.act([&](Outbox& out) { bench.session.drain(bench.now, {}, "SIGTERM received", out); });
  const Duration both = limits::kTimeoutGrace + limits::kFarewellWait;
  for (Duration passed{}; passed < both && !bench.left; passed += 500ms) {
    bench.say(Heartbeat{});
    bench.pass(500ms);
    CHECK(bench.session.next_deadline() > bench.now);
  }
  bench.pass(1s);
  CHECK(bench.left == kExitOk);
}

}  // namespace stint::worker
