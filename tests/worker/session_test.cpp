// The worker's session in virtual time: greeting, holding, recalling, results.
#include "tests/worker/bench.hpp"

namespace stint::worker {
namespace {

TEST_CASE("a worker greets with what it can do") {
  Bench bench({.kinds = {"echo", "wordcount"}, .slots = 3});
  const Hello hello = bench.greeted();
  CHECK(bench.connects == 1);
  CHECK(hello.role == Role::worker);
  CHECK(hello.name == "w");
  CHECK(hello.kinds == std::vector<std::string>{"echo", "wordcount"});
  CHECK(hello.slots == 3);
  CHECK(hello.held.empty());
  CHECK_FALSE(hello.draining);
  CHECK(hello.store == StoreId{});
  bench.welcome();
  CHECK(bench.session.in_session());
  CHECK(bench.said("joined tcp://broker:5555 as w: 3 slots, kinds echo, wordcount"));
  CHECK(bench.is_quiet());
}

TEST_CASE("a broker that cannot be reached is named once, and tried on") {
  Bench bench;
  bench.pass(30s);
  CHECK(bench.lines.size() == 1);
  CHECK(bench.said("no answer from a broker at tcp://broker:5555"));
  CHECK(bench.connects > 2);
  CHECK_FALSE(bench.left);
}

TEST_CASE("a broker that refuses the worker for good ends it") {
  Bench bench;
  bench.greeted();
  Error error;
  error.code = ErrorCode::version;
  error.retryable = false;
  error.text = "this broker speaks version 2, the worker version 1";
  bench.act([&](Outbox& out) { bench.session.step(bench.now, Envelope{SessionId{}, 0, error}, out); });
  CHECK(bench.left == kExitRefused);
}

TEST_CASE("tasks go to the executor, and their results at once to the broker") {
  Bench bench;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {10, 4});
  const auto run = bench.asked<RunTasks>();
  CHECK(run.lease == lease(1));
  CHECK(run.job->name == "a job");
  CHECK(run.indices == Indices(Run{10, 4}));
  CHECK(run.tasks.count() == 4);

  bench.executor_ends(lease(1), {10, 1});
  const auto results = bench.sent<LeaseResults>();
  CHECK(results.lease == lease(1));
  CHECK(results.outcomes.indices == Indices(Run{10, 1}));
  CHECK(bench.session.unacknowledged().tasks() == 1);

  SUBCASE("RESULTS_ACK lets it forget") { bench.acknowledge(); }
  SUBCASE("so does a heartbeat") { bench.say(Heartbeat{0, 0, bench.last_seq}); }
  CHECK(bench.session.unacknowledged().empty());
  CHECK(bench.is_quiet());
}

TEST_CASE("tasks that cannot be run here go back untouched") {
  Bench bench;
  bench.join();
  SUBCASE("of a job that was never described") {}
  SUBCASE("of a job that is gone") {
    bench.describe(job(7));
    JobInfo gone;
    gone.job = job(7);
    gone.gone = true;
    bench.say(gone);
  }
  SUBCASE("of a kind that is no longer offered") {
    bench.describe(job(7));
    bench.act([&](Outbox& out) { bench.session.offer(bench.now, {"wordcount"}, 2, out); });
    CHECK(bench.sent<State>().kinds == std::vector<std::string>{"wordcount"});
  }
  bench.give(lease(1), {0, 5});
  const auto release = bench.sent<Release>();
  CHECK(release.lease == lease(1));
  CHECK(release.runs == std::vector<Run>{{0, 5}});
  CHECK(bench.is_quiet());
}

TEST_CASE("heartbeats come when nothing else was said, with the load") {
  Bench bench;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {0, 5});
  bench.executor_runs(lease(1), 0, bench.now);
  bench.orders.clear();
  bench.pass(2s);
  CHECK(bench.sent<Heartbeat>().started == 1);
  CHECK(bench.is_quiet());
}

struct Holding : Bench {  // three leases: unstarted and running, ended and unacknowledged, ended and acknowledged
  Holding() {
    join();
    describe(job(7));
    give(lease(1), {0, 10});
    give(lease(2), {20, 3});
    give(lease(3), {30, 2});
    executor_ends(lease(3), {30, 2});
    acknowledge();
    executor_ends(lease(1), {0, 2});
    executor_ends(lease(2), {20, 3});
    forget_said();
  }
};

TEST_CASE("losing the broker stops nothing, and everything held is named when it is back") {
  Holding bench;
  SUBCASE("after its silence") {
    bench.pass(10s);
    CHECK(bench.said("broker at tcp://broker:5555; "));  // no reason
  }
  SUBCASE("after its goodbye") {
    bench.say(Bye{"restart", 0});
    bench.pass(3s);
    CHECK(bench.said(" (restart); "));
  }
  SUBCASE("after a gap") {
    bench.lose_a_message();
    bench.say(Heartbeat{});
    bench.tick();
  }
  SUBCASE("after HELLO_AGAIN") {
    bench.say(HelloAgain{"who are you?"});
    bench.tick();
    CHECK(bench.said(" (who are you?); "));
  }
  CHECK(bench.said("reconnecting"));
  CHECK(bench.orders.empty());
  while (!bench.messages.empty() && !std::holds_alternative<Hello>(bench.messages.front().message))
    bench.messages.pop_front();
  const auto hello = bench.sent<Hello>();
  CHECK(hello.store == bench.store);
  REQUIRE(hello.held.size() == 2);
  CHECK(hello.held[0].lease == lease(1));
  CHECK(hello.held[0].job == job(7));
  CHECK(hello.held[0].runs == std::vector<Run>{{0, 10}});
  CHECK(hello.held[1].lease == lease(2));
  CHECK(hello.held[1].runs == std::vector<Run>{{20, 3}});
  bench.forget_said();

  bench.executor_ends(lease(1), {2, 1});  // meanwhile
  CHECK(bench.is_quiet());

  bench.welcome();
  CHECK(bench.sent<LeaseResults>().outcomes.indices == Indices(Run{0, 2}));
  CHECK(bench.sent<LeaseResults>().outcomes.indices == Indices(Run{20, 3}));
  CHECK(bench.sent<LeaseResults>().outcomes.indices == Indices(Run{2, 1}));
  CHECK(bench.is_quiet());
  bench.acknowledge();
  CHECK(bench.session.unacknowledged().empty());
}

TEST_CASE("an acknowledgement of the old session means nothing in the new one") {
  Holding bench;
  bench.say(HelloAgain{});
  bench.tick();
  bench.forget_said();
  bench.welcome();
  bench.say(ResultsAck{1});
  CHECK(bench.session.unacknowledged().tasks() == 3);
}

TEST_CASE("what WELCOME drops is stopped and forgotten, and released when it is gone") {
  Holding bench;
  bench.say(HelloAgain{});
  bench.tick();
  bench.forget_said();
  bench.welcome({Drop{lease(1), {{0, 6}}}, Drop{lease(2), {}}});

  CHECK(bench.sent<Release>() == Release{lease(1), {{0, 2}}});  // their results
  CHECK(bench.sent<Release>() == Release{lease(2), {{20, 3}}});
  const auto stop = bench.asked<StopTasks>();
  CHECK(stop.runs == std::vector<Run>{{0, 6}});
  CHECK(stop.mode == RecallMode::stop);
  CHECK(bench.session.unacknowledged().empty());
  CHECK(bench.is_quiet());

  bench.executor_gives_back(lease(1), {{3, 3}});  // 2 runs
  CHECK(bench.sent<Release>() == Release{lease(1), {{3, 3}}});
  bench.executor_ends(lease(1), {2, 1});  // had ended before it heard of it
  CHECK(bench.sent<Release>() == Release{lease(1), {{2, 1}}});
  bench.executor_ends(lease(1), {6, 4});  // the rest was never dropped
  CHECK(bench.sent<LeaseResults>().outcomes.count() == 4);
  CHECK(bench.is_quiet());
}

TEST_CASE("another store: everything held is stopped, forgotten and never reported") {
  Holding bench;
  bench.pass(10s);
  bench.forget_said();
  bench.store = StoreId{43};
  bench.welcome();
  CHECK(bench.said("lost its store"));
  CHECK(bench.asked<StopTasks>().mode == RecallMode::stop);
  CHECK(bench.is_quiet());
  CHECK(bench.session.unacknowledged().empty());

  SUBCASE("a late result of the old one is not taken for the new one's lease of the same number") {
    const Ticket old = bench.tickets.at(lease(1));
    bench.describe(job(7));
    bench.give(lease(1), {0, 2});
    bench.asked<RunTasks>();
    OutcomesBuilder outcomes;
    outcomes.done(0, "of the old store", 1);
    bench.act([&](Outbox& out) { bench.session.ended(bench.now, old, outcomes.take(), out); });
    CHECK(bench.is_quiet());
  }
  SUBCASE("its jobs are unknown") {
    bench.give(lease(9), {0, 1});
    bench.sent<Release>();
  }
}

TEST_CASE("RECALL unstarted takes what has not started, and no more") {
  Bench bench;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {0, 10});
  bench.forget_said();
  bench.say(Recall{lease(1), {}, RecallMode::unstarted});
  CHECK(bench.asked<StopTasks>().mode == RecallMode::unstarted);

  SUBCASE("something") {
    bench.executor_gives_back(lease(1), {{4, 6}});
    CHECK(bench.sent<Release>() == Release{lease(1), {{4, 6}}});
    bench.executor_ends(lease(1), {0, 4});
    CHECK(bench.sent<LeaseResults>().outcomes.count() == 4);
  }
  SUBCASE("nothing is an answer too") {
    bench.executor_gives_back(lease(1), {});
    CHECK(bench.sent<Release>() == Release{lease(1), {}});
  }
  CHECK(bench.is_quiet());
}

TEST_CASE("RECALL stop releases at once what has not started, and what ran when it has stopped") {
  Bench bench;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {0, 10});
  bench.forget_said();
  bench.say(Recall{lease(1), {}, RecallMode::stop});
  CHECK(bench.asked<StopTasks>().mode == RecallMode::stop);
  bench.executor_gives_back(lease(1), {{2, 8}});
  CHECK(bench.sent<Release>() == Release{lease(1), {{2, 8}}});
  bench.executor_gives_back(lease(1), {{0, 2}});
  CHECK(bench.sent<Release>() == Release{lease(1), {{0, 2}}});
  CHECK(bench.is_quiet());
}

TEST_CASE("RECALL of a lease that is not held is answered all the same") {
  Bench bench;
  bench.join();
  bench.say(Recall{lease(5), {}, RecallMode::stop});
  CHECK(bench.sent<Release>() == Release{lease(5), {}});
}

TEST_CASE("results beyond the window hold back what has not started, until they are acknowledged") {
  Bench bench;
  bench.unacked_bytes = 1000;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {0, 10});
  bench.forget_said();
  bench.executor_ends(lease(1), {0, 1}, std::string(600, 'x'));
  CHECK(bench.orders.empty());
  bench.executor_ends(lease(1), {1, 1}, std::string(600, 'x'));
  CHECK(bench.asked<HoldBack>().on);
  bench.executor_ends(lease(1), {2, 1}, std::string(600, 'x'));  // ran already: accepted
  CHECK(bench.session.unacknowledged().tasks() == 3);
  bench.acknowledge();
  CHECK_FALSE(bench.asked<HoldBack>().on);
}

TEST_CASE("progress of what is held is passed on, bounded") {
  Bench bench;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {0, 2});
  bench.orders.clear();
  const auto report = [&](Index index, double fraction) {
    bench.act([&](Outbox& out) {
      bench.session.progress(bench.now, bench.tickets.at(lease(1)), index, fraction, "page 12", out);
    });
  };
  report(1, 7.5);
  CHECK(bench.sent<Progress>() == Progress{lease(1), 1, 1.0, "page 12"});
  report(1, std::numeric_limits<double>::quiet_NaN());
  CHECK(bench.sent<Progress>().fraction == 0.0);
  report(5, 0.5);
  CHECK(bench.is_quiet());
}

TEST_CASE("a task over its time limit is told to stop, and its slot written off when it does not") {
  Bench bench({.slots = 2});
  bench.join();
  bench.describe(job(7), 3000);
  bench.give(lease(1), {0, 4});
  bench.forget_said();
  const TimePoint started = bench.now;
  bench.executor_runs(lease(1), 0, started);
  CHECK(bench.is_quiet());
  CHECK(bench.session.next_deadline() <= started + 3s);

  bench.now = started + 3s;
  bench.executor_runs(lease(1), 0, started);
  CHECK(bench.asked<StopOvertime>().index == 0);
  CHECK(bench.session.next_deadline() <= started + 3s + limits::kTimeoutGrace);

  bench.now = started + 3s + limits::kTimeoutGrace;
  bench.executor_runs(lease(1), 0, started, started + 3s);
  CHECK(bench.asked<WriteOff>().slot == 0);
  bench.act([&](Outbox& out) { bench.session.slot_lost(bench.now, "stuck", out); });
  CHECK(bench.sent<State>().slots == 1);
  CHECK_FALSE(bench.left);

  SUBCASE("with no slot left the worker ends, and says why") {
    bench.act([&](Outbox& out) { bench.session.slot_lost(bench.now, "stuck", out); });
    CHECK(bench.sent<State>().draining);
    CHECK(bench.asked<StopTasks>().mode == RecallMode::unstarted);
    bench.executor_gives_back(lease(1), {{2, 2}});
    bench.sent<Release>();
    bench.executor_ends(lease(1), {0, 2});
    bench.sent<LeaseResults>();
    bench.acknowledge();
    CHECK(bench.sent<Bye>().reason.find("no slot is left") != std::string::npos);
    CHECK(bench.left == kExitFailed);
  }
}

TEST_CASE("a message that the broker rejects is said, and a greeting that it refuses for now is tried again") {
  Bench bench;
  Error error;
  error.re_seq = 3;
  error.code = ErrorCode::bad_value;
  error.text = "a kind must not be empty";
  SUBCASE("rejected") {
    bench.join();
    bench.say(error);
    CHECK(bench.said("the broker rejected message 3: a kind must not be empty"));
  }
  SUBCASE("refused for now") {
    bench.greeted();
    error.retryable = true;
    error.text = "the broker is shutting down";
    for (int i = 0; i < 2; ++i) {
      bench.act([&](Outbox& out) { bench.session.step(bench.now, Envelope{SessionId{}, 0, error}, out); });
    }
    CHECK(bench.lines == std::vector<std::string>{"the broker does not let us in yet: the broker is shutting down"});
    bench.welcome();
    CHECK(bench.session.in_session());
  }
  CHECK_FALSE(bench.left);
}

TEST_CASE("a lease that comes twice is run once") {
  Bench bench;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {0, 2});
  bench.asked<RunTasks>();
  bench.give(lease(1), {0, 2});
  CHECK(bench.is_quiet());
}

TEST_CASE("of results that wait, WELCOME may drop some: those are released, the others handed in again") {
  Bench bench;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {0, 3});
  OutcomesBuilder outcomes;
  outcomes.done(0, "dropped", 5);
  outcomes.not_done(1, Failure::failed, "some output", "no", 5, 2, 0);
  outcomes.done(2, "kept", 5);
  bench.act([&](Outbox& out) { bench.session.ended(bench.now, bench.tickets.at(lease(1)), outcomes.take(), out); });
  bench.say(HelloAgain{"messages are missing"});
  bench.forget_said();
  bench.greeted();
  bench.welcome({Drop{lease(1), {{0, 1}}}});
  std::optional<Outcomes> again;
  std::optional<Release> release;
  for (const Envelope& envelope : std::exchange(bench.messages, {})) {
    if (const auto* results = std::get_if<LeaseResults>(&envelope.message)) again = results->outcomes;
    if (const auto* given_back = std::get_if<Release>(&envelope.message)) release = *given_back;
  }
  REQUIRE(release);
  CHECK(*release == Release{lease(1), {{0, 1}}});
  REQUIRE(again);
  REQUIRE(again->count() == 2);
  OutcomeCursor first(*again);
  CHECK(first.index() == 1);
  CHECK(first.error() == "no");
  CHECK(first.result() == "some output");
  CHECK(first.not_done()->exit == 2);
  bench.acknowledge();
  CHECK(bench.session.unacknowledged().empty());
}

TEST_CASE("of results that ended one after the other, WELCOME may drop neighbours: all are released, and none is handed in") {
  Bench bench;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {0, 3});
  for (const Index index : {0, 1, 2}) bench.executor_ends(lease(1), {index, 1});
  bench.say(HelloAgain{"messages are missing"});
  bench.forget_said();
  bench.greeted();
  bench.welcome({Drop{lease(1), {{0, 2}}}});
  CHECK(bench.sent<Release>() == Release{lease(1), {{0, 2}}});
  CHECK(bench.sent<LeaseResults>().outcomes.indices == Indices(Run{2, 1}));
  CHECK(bench.is_quiet());
}

TEST_CASE("a lease that is asked back while its last task ends is kept until that is answered") {
  Bench bench;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {0, 1});
  bench.asked<RunTasks>();
  bench.say(Recall{lease(1), {}, RecallMode::unstarted});
  bench.asked<StopTasks>();
  bench.executor_ends(lease(1), {0, 1});
  bench.sent<LeaseResults>();
  CHECK(bench.is_quiet());
  bench.executor_gives_back(lease(1), {});
  CHECK(bench.sent<Release>() == Release{lease(1), {}});
  bench.executor_gives_back(lease(1), {});  // it is gone: nothing more is said of it
  CHECK(bench.is_quiet());
}

TEST_CASE("progress is cut to what a text may hold, and that of what is held no more is not passed on") {
  Bench bench;
  bench.join();
  bench.describe(job(7));
  bench.give(lease(1), {0, 1});
  const auto tell = [&](Ticket ticket) {
    bench.act([&](Outbox& out) {
      bench.session.progress(bench.now, ticket, 0, 0.5, std::string(limits::kMaxTextBytes + 1, 'x'), out);
    });
  };
  bench.forget_said();
  tell(bench.tickets.at(lease(1)));
  CHECK(bench.sent<Progress>().text.size() == limits::kMaxTextBytes);
  tell(Ticket{99});
  CHECK(bench.is_quiet());
}

}  // namespace
}  // namespace stint::worker
