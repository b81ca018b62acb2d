// The executor with real threads and real handlers.
#include "worker/runtime/executor.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/net/clock.hpp"
#include "common/net/wait.hpp"

namespace stint::worker {
namespace {

constexpr Duration kDeadline = 20s;  // for what has to happen anyway

std::shared_ptr<const Handler> handler(std::function<Ending(Task&)> function) {
  return std::make_shared<const Handler>(std::move(function));
}

// An executor and what it has told so far.
struct Bench {
  std::shared_ptr<Wakeup> wakeup = std::make_shared<Wakeup>();
  Executor executor{wakeup};
  JobInfo job;
  std::map<Index, std::string> results;
  std::map<Index, NotDone> failures;
  std::map<Index, std::string> errors;
  std::vector<Run> stopped;
  std::vector<Harvest::Progress> progress;
  Load load;

  explicit Bench(unsigned slots) { executor.set_slots(slots); }

  void give(std::uint64_t ticket, const std::vector<std::string>& payloads, std::shared_ptr<const Handler> run) {
    BatchBuilder batch;
    for (const std::string& payload : payloads) batch.add(payload);
    executor.run({.ticket = Ticket{ticket},
                  .job = std::make_shared<const JobInfo>(job),
                  .lease = LeaseId{ticket},
                  .indices = Indices(Run{0, payloads.size()}),
                  .tasks = batch.take()},
                 std::move(run), now());
  }

  void harvest(TimePoint at = now()) {
    Harvest harvest = executor.harvest(at);
    for (const Harvest::Ended& ended : harvest.ended) take(ended.outcomes);
    for (const Harvest::Stopped& each : harvest.stopped)
      stopped.insert(stopped.end(), each.runs.begin(), each.runs.end());
    for (Harvest::Progress& note : harvest.progress) progress.push_back(std::move(note));
    load = std::move(harvest.load);
  }

  void take(const Outcomes& outcomes) {
    for (OutcomeCursor at(outcomes); !at.done(); at.next()) {
      CHECK_FALSE(results.contains(at.index()));
      results[at.index()] = at.result();
      errors[at.index()] = at.error();
      if (const NotDone* why = at.not_done()) failures[at.index()] = *why;
    }
  }

  // Harvests whenever it is woken, until the condition holds.
  template <class Condition>
  void until(Condition condition) {
    const TimePoint deadline = now() + kDeadline;
    while (true) {
      wakeup->clear();
      harvest();
      if (condition()) return;
      REQUIRE(now() < deadline);
      executor.fall_asleep();
      if (!executor.has_news()) wait({wakeup->fd()}, std::min(deadline, executor.next_deadline()));
      executor.awake();
    }
  }
  void until_results(std::size_t count) {
    until([&] { return results.size() == count; });
  }
};

TEST_CASE("many tasks on several slots, each once") {
  Bench bench(4);
  std::atomic<int> runs{0};
  const auto echo = handler([&](Task& task) {
    ++runs;
    return Ending{.result = std::string(task.payload())};
  });
  std::vector<std::string> payloads;
  SUBCASE("payloads of one size") {
    for (int i = 0; i < 5000; ++i) payloads.push_back(std::to_string(10000 + i));
  }
  SUBCASE("payloads of different sizes") {
    for (int i = 0; i < 5000; ++i) payloads.push_back(std::to_string(i * i));
  }
  bench.give(1, payloads, echo);
  bench.until_results(payloads.size());
  CHECK(runs == 5000);
  for (std::size_t i = 0; i < payloads.size(); ++i) REQUIRE(bench.results.at(i) == payloads[i]);
}

TEST_CASE("what a handler throws is a failure with its text") {
  Bench bench(1);
  bench.give(1, {"fail", "reject", "throw", "odd", "fine"}, handler([](Task& task) -> Ending {
               if (task.payload() == "fail") task.fail("try again");
               if (task.payload() == "reject") task.reject("never");
               if (task.payload() == "throw") throw std::out_of_range("no page 12");
               if (task.payload() == "odd") throw 42;
               return {};
             }));
  bench.until_results(5);
  CHECK(bench.failures.at(0).code == Failure::failed);
  CHECK(bench.errors.at(0) == "try again");
  CHECK(bench.failures.at(1).code == Failure::rejected);
  CHECK(bench.errors.at(1) == "never");
  CHECK(bench.failures.at(2).code == Failure::failed);
  CHECK(bench.errors.at(2) == "no page 12");
  CHECK(bench.failures.at(3).code == Failure::failed);
  CHECK_FALSE(bench.failures.contains(4));
}

TEST_CASE("a result beyond the limit fails by name, and one of a discarding job is dropped") {
  Bench bench(1);
  bench.executor.obey({.max_payload_bytes = 1000, .batch_bytes = limits::kBatchBytes});
  SUBCASE("too large") {
    bench.give(1, {"x"}, handler([](Task&) { return Ending{.result = std::string(1001, 'x')}; }));
    bench.until_results(1);
    CHECK(bench.failures.at(0).code == Failure::too_large);
    CHECK(bench.errors.at(0).find("1001 bytes and the limit is 1000") != std::string::npos);
    CHECK(bench.results.at(0).empty());
  }
  SUBCASE("discarded") {
    bench.job.discard = true;
    bench.give(1, {"x", "y"}, handler([](Task& task) {
                 if (task.payload() == "y") throw Failed("why");
                 return Ending{.result = "a result"};
               }));
    bench.until_results(2);
    CHECK(bench.results.at(0).empty());
    CHECK(bench.errors.at(1) == "why");
  }
}

TEST_CASE("what has not started can be taken back, in part too") {
  Bench bench(1);
  std::latch started(1), go(1);
  bench.give(1, std::vector<std::string>(10, "x"), handler([&](Task& task) {
               if (task.index() == 0) {
                 started.count_down();
                 go.wait();
               }
               return Ending{};
             }));
  started.wait();
  std::vector<Run> back;
  SUBCASE("all of it") { CHECK(bench.executor.stop({.ticket = Ticket{1}}) == std::vector<Run>{{1, 9}}); }
  SUBCASE("some of it") {
    CHECK(bench.executor.stop({.ticket = Ticket{1}, .runs = {{0, 3}, {5, 2}}}) == std::vector<Run>{{1, 2}, {5, 2}});
    go.count_down();
    bench.until_results(6);
    CHECK(bench.results.contains(3));
    CHECK_FALSE(bench.results.contains(5));
    CHECK(bench.results.contains(9));
    return;
  }
  go.count_down();
  bench.until_results(1);
}

TEST_CASE("a handler that is told to stop sees it, and nothing of it is reported") {
  Bench bench(2);
  std::latch started(2);
  bench.give(1, {"a", "b", "c"}, handler([&](Task& task) {
               std::latch stopped(1);
               const std::stop_callback callback(task.stop_token(), [&] { stopped.count_down(); });
               started.count_down();
               stopped.wait();
               return Ending{.result = "too late"};
             }));
  started.wait();
  CHECK(bench.executor.stop({.ticket = Ticket{1}, .runs = {}, .mode = RecallMode::stop}) == std::vector<Run>{{2, 1}});
  bench.until([&] { return bench.stopped.size() == 2; });
  CHECK(bench.results.empty());
}

TEST_CASE("over its time: what a handler then says is kept as the reason") {
  Bench bench(1);
  bench.job.time_limit_ms = 1500;
  std::latch started(1);
  bench.give(1, {"a"}, handler([&](Task& task) -> Ending {
               std::latch stopped(1);
               const std::stop_callback callback(task.stop_token(), [&] { stopped.count_down(); });
               started.count_down();
               stopped.wait();
               throw Failed("at page 12");
             }));
  started.wait();
  bench.harvest();
  REQUIRE(bench.load.running.size() == 1);
  const Load::Running running = bench.load.running.front();
  bench.executor.stop_overtime({running.slot, running.ticket, running.index}, now());
  bench.until_results(1);
  CHECK(bench.failures.at(0).code == Failure::timed_out);
  CHECK(bench.errors.at(0) == "stopped, as it was over the job's time limit of 1.500 s: at page 12");
}

TEST_CASE("a handler that never returns costs its slot, and the others go on") {
  Bench bench(2);
  auto release = std::make_shared<std::latch>(1);
  std::latch started(1);
  bench.give(1, {"stuck"}, handler([&started, release](Task&) {
               started.count_down();
               release->wait();
               return Ending{.result = "much too late"};
             }));
  started.wait();
  bench.harvest();
  const Load::Running running = bench.load.running.front();
  bench.executor.stop_overtime({running.slot, running.ticket, running.index}, now());
  CHECK(bench.executor.write_off({running.slot, running.ticket, running.index}, now()));
  CHECK_FALSE(bench.executor.write_off({running.slot, running.ticket, running.index}, now()));
  bench.until_results(1);
  CHECK(bench.failures.at(0).code == Failure::timed_out);
  CHECK(bench.executor.slots() == 1);
  bench.results.clear();
  bench.give(2, {"a", "b"}, handler([](Task&) { return Ending{}; }));
  bench.until_results(2);

  SUBCASE("when it returns after all, nobody listens") {
    release->count_down();
    CHECK(bench.executor.shut_down(kDeadline));
  }
  SUBCASE("it does not hold up the end") {
    CHECK_FALSE(bench.executor.shut_down(Duration::zero()));
    release->count_down();
  }
  bench.harvest();
  CHECK(bench.results.size() == 2);
}

TEST_CASE("progress: the last value, and not more often than every 50 ms") {
  Bench bench(1);
  std::latch reported(1), go(1);
  bench.give(1, {"a"}, handler([&](Task& task) {
               for (int i = 1; i <= 100; ++i) task.progress(i / 100.0, "page " + std::to_string(i));
               reported.count_down();
               go.wait();
               task.progress(0.5, "again");
               return Ending{};
             }));
  reported.wait();
  bench.until([&] { return !bench.progress.empty(); });
  CHECK(bench.progress.size() == 1);
  CHECK(bench.progress.front().note == "page 100");
  go.count_down();
  bench.until_results(1);
}

TEST_CASE("held back, nothing starts; then it goes on") {
  Bench bench(2);
  bench.executor.hold_back(true);
  bench.give(1, {"a", "b"}, handler([](Task&) { return Ending{}; }));
  bench.harvest();
  CHECK(bench.load.queued == 2);
  CHECK(bench.load.running.empty());
  bench.executor.hold_back(false);
  bench.until_results(2);
}

TEST_CASE("a slot waits while its results are not harvested") {
  Bench bench(1);
  bench.executor.obey({.max_payload_bytes = limits::kMaxPayloadBytes, .batch_bytes = 1000});
  std::atomic<int> runs{0};
  bench.give(1, std::vector<std::string>(100, "x"), handler([&](Task&) {
               ++runs;
               return Ending{.result = std::string(600, 'x')};
             }));
  bench.executor.fall_asleep();
  wait({bench.wakeup->fd()}, now() + kDeadline);
  CHECK(runs <= 2);
  bench.until_results(100);
}

TEST_CASE("while quick tasks follow, results wait for one another, and no longer than the limit") {
  constexpr std::uint32_t kMany = 1000;
  const TimePoint begin = now();
  Bench bench(1);
  std::latch at_many(1), from_many(1), at_more(1), from_more(1);
  bench.give(1, std::vector<std::string>(10 * kMany, "x"), handler([&](Task& task) {
               if (task.index() == kMany) at_many.count_down(), from_many.wait();
               if (task.index() == kMany + 10) at_more.count_down(), from_more.wait();
               return Ending{};
             }));
  at_many.wait();
  bench.harvest();
  CHECK(bench.results.size() == kMany);  // they are quick, and many more are there
  bench.harvest(begin);                  // that nothing has come since is no reason to be less patient
  from_many.count_down();
  at_more.wait();
  bench.harvest(begin);
  CHECK(bench.results.size() == kMany);
  bench.executor.fall_asleep();
  CHECK_FALSE(bench.executor.has_news());
  CHECK(bench.executor.next_deadline() <= now() + limits::kResultWait);
  bench.executor.awake();
  bench.until_results(kMany + 10);  // though the next one does not end
  bench.harvest(now() + limits::kResultWait);
  CHECK(bench.executor.next_deadline() == TimePoint::max());  // nothing came in all that time
  from_more.count_down();
  bench.until_results(10 * kMany);
}

TEST_CASE("results of quick tasks wait though few are left, and not beyond the end of their lease") {
  constexpr std::uint32_t kMany = 1000;
  const TimePoint begin = now();
  const TimePoint deadline = begin + kDeadline;
  Bench bench(1);
  std::latch at_many(1), from_many(1), at_last(1), from_last(1);
  bench.give(1, std::vector<std::string>(kMany + 3, "x"), handler([&](Task& task) {
               if (task.index() == kMany) at_many.count_down(), from_many.wait();
               if (task.index() == kMany + 2) at_last.count_down(), from_last.wait();
               return Ending{};
             }));
  at_many.wait();
  bench.harvest();
  CHECK(bench.results.size() == kMany);
  bench.results.clear();
  bench.harvest(now() + limits::kResultWait);
  CHECK(bench.executor.next_deadline() == TimePoint::max());  // nothing came in all that time
  bench.give(2, {"x"}, handler([](Task&) { return Ending{}; }));
  CHECK(bench.executor.next_deadline() <= now() + limits::kResultWait);  // what is new may be as quick
  from_many.count_down();
  at_last.wait();
  bench.harvest(begin);
  CHECK(bench.results.empty());
  bench.executor.fall_asleep();
  from_last.count_down();
  while (bench.results.size() < 4) {
    if (!bench.executor.has_news()) wait({bench.wakeup->fd()}, deadline);
    REQUIRE(now() < deadline);  // woken, not late
    bench.wakeup->clear();
    bench.harvest(begin);
    bench.executor.fall_asleep();
  }
}

TEST_CASE("slots may come and go") {
  Bench bench(1);
  bench.executor.set_slots(3);
  std::latch together(3);
  const auto meet = handler([&](Task&) {
    together.arrive_and_wait();
    return Ending{};
  });
  bench.give(1, {"a", "b", "c"}, meet);
  bench.until_results(3);
  bench.executor.set_slots(1);
  CHECK(bench.executor.slots() == 1);
  bench.results.clear();
  bench.give(2, {"a", "b", "c"}, handler([](Task&) { return Ending{}; }));
  bench.until_results(3);
}

TEST_CASE("what handlers may return") {
  const auto text_of = [](auto function) {
    Bench bench(1);
    bench.give(1, {"x"}, handler(to_handler(function)));
    bench.until_results(1);
    return bench.results.at(0);
  };
  CHECK(text_of([](Task&) { return std::string("text"); }) == "text");
  CHECK(text_of([](Task& task) { return task.payload(); }) == "x");
  CHECK(text_of([](Task&) { return "literal"; }) == "literal");
  CHECK(text_of([](Task&) { return std::size_t{42}; }) == "42");
  CHECK(text_of([](Task&) { return -7; }) == "-7");
  CHECK(text_of([](Task&) { return 0.5; }) == "0.5");
  CHECK(text_of([](Task&) { return 'c'; }) == "c");
  CHECK(text_of([](const Task&) {}).empty());
  CHECK(text_of([](Task&) { return Ending{.result = "all"}; }) == "all");
}

}  // namespace
}  // namespace stint::worker
