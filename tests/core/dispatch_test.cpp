// Which tasks go where: shares, priorities, kinds, how much ahead, and what comes back from a worker that hoards.
#include "common/model/limits.hpp"
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

auto taking(Duration each) {
  return [each](const HeldTask&) { return each; };
}

TEST_CASE("no task reaches a worker without its kind") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& a = farm.worker({.name = "a", .kinds = {"a"}, .slots = 3});
  FarmWorker& both = farm.worker({.name = "both", .kinds = {"a", "b"}, .slots = 3});
  const JobId job_b = ann.runs({.kind = "b"}, numbered(10));
  CHECK(a.held.empty());
  CHECK(both.held.size() == 3);
  const JobId job_a = ann.runs({.kind = "a"}, numbered(10));
  CHECK(a.held.size() == 3);
  for (int i = 0; i < 20; ++i) {
    a.finishes_all();
    both.finishes_all();
  }
  CHECK(farm.job(job_a).text("state") == "ended");
  CHECK(farm.job(job_b).text("state") == "ended");
}

TEST_CASE("work goes to the worker that has been longest without") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  FarmWorker& w2 = farm.worker({.name = "w2"});
  const JobId job = ann.opens({.kind = "echo"});
  for (int i = 0; i < 6; ++i) {
    ann.writes(job, {"a"});
    w1.finishes_all();
    w2.finishes_all();
  }
  CHECK(w1.runs == 3);
  CHECK(w2.runs == 3);
}

TEST_CASE("two jobs of a kind share the slots evenly") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  std::map<JobId, std::size_t> begun;
  for (int i = 0; i < 2; ++i) {
    farm.worker({.name = "w", .slots = 4, .pace = [&](const HeldTask& task) {
                   ++begun[task.job];
                   return Duration(1s);
                 }});
  }
  const JobId first = ann.runs({.kind = "echo"}, numbered(1000));
  const JobId second = ann.runs({.kind = "echo"}, numbered(1000));
  farm.passes(100s);
  CHECK(begun[first] + begun[second] >= 790);
  CHECK(begun[first] <= begun[second] + 50);
  CHECK(begun[second] <= begun[first] + 50);
}

TEST_CASE("free slots that two jobs want are shared at once, and not when the first tasks end") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId first = ann.runs({.kind = "echo"}, numbered(10));
  const JobId second = ann.runs({.kind = "echo"}, numbered(10));
  farm.worker({.slots = 4});
  farm.worker({.slots = 4});
  CHECK(farm.job(first).number("running") == 4);
  CHECK(farm.job(second).number("running") == 4);
}

TEST_CASE("two jobs of quick tasks share the time") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  std::map<JobId, std::size_t> begun;
  for (int i = 0; i < 2; ++i) {
    farm.worker({.name = "w", .slots = 2, .pace = [&](const HeldTask& task) {
                   ++begun[task.job];
                   return Duration(50us);
                 }});
  }
  const JobId first = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, numbered(50'000));
  farm.passes(100ms);
  const std::size_t before = begun[first];
  const JobId second = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, numbered(50'000));
  farm.passes(500ms);
  CHECK(begun[second] >= 5000);
  CHECK(begun[first] - before >= begun[second] / 2);
  CHECK(begun[second] >= (begun[first] - before) / 2);
}

TEST_CASE("row 28: a small job submitted behind a huge one of quick tasks ends soon") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  for (int i = 0; i < 2; ++i) farm.worker({.name = "w", .slots = 2, .pace = taking(100us)});
  const JobId huge = ann.opens({.kind = "echo", .results = ResultsPolicy::keep});
  ann.writes(huge, std::size_t{100'000});
  farm.passes(500ms);
  std::vector<std::string> tasks;
  SUBCASE("of one task") { tasks = numbered(1); }
  SUBCASE("of a few") { tasks = numbered(4); }
  SUBCASE("of many") { tasks = numbered(200); }
  const JobId small = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, tasks);
  CHECK(farm.passes_until([&] { return farm.job(small).text("state") == "ended"; }, 150ms));
  CHECK(farm.job(huge).number("left") > 50'000);
}

TEST_CASE("row 28: a worker that is filled up with quick tasks takes in those of a job that has nothing there") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 2});
  const auto held_of = [&](JobId job) {
    return std::count_if(worker.held.begin(), worker.held.end(), [&](const HeldTask& task) { return task.job == job; });
  };
  const auto finishes_those_of = [&](JobId job) {
    const auto is_other = [&](const HeldTask& task) { return task.job != job; };
    std::vector<HeldTask> others;
    std::copy_if(worker.held.begin(), worker.held.end(), std::back_inserter(others), is_other);
    std::erase_if(worker.held, is_other);  // indices are those of a job
    worker.finishes(worker.indices(), 10us);
    worker.held.insert(worker.held.end(), others.begin(), others.end());
  };
  const JobId huge = ann.opens({.kind = "echo", .results = ResultsPolicy::keep});
  ann.writes(huge, std::size_t{20'000});
  for (int i = 0; i < 12; ++i) worker.finishes_all(10us);
  worker.finishes({worker.indices().front()}, 10ms);  // which makes what it holds more than it should
  const auto ahead = held_of(huge);
  REQUIRE(ahead > 100);
  const JobId small = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, numbered(10));
  CHECK(held_of(small) == 2);
  const JobId other = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, numbered(10));
  CHECK(held_of(other) == 0);  // not beside tasks that nobody has measured
  finishes_those_of(small);
  CHECK(held_of(small) == 0);
  CHECK(held_of(other) == 2);
  finishes_those_of(other);
  CHECK(held_of(small) == 8);  // the rest, which is known to be quick
  const JobId large = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, numbered(100));
  finishes_those_of(small);
  CHECK(held_of(large) == 2);
  finishes_those_of(large);
  CHECK(held_of(large) == 0);  // it would not be done within a turn
  CHECK(held_of(huge) == ahead);
}

TEST_CASE("a job of slow tasks behind a huge one of quick tasks gets its share") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  for (int i = 0; i < 2; ++i) {
    farm.worker({.name = "w", .slots = 2, .pace = [](const HeldTask& task) {
                   return task.job == JobId{1} ? Duration(100us) : Duration(200ms);
                 }});
  }
  const JobId huge = ann.opens({.kind = "echo", .results = ResultsPolicy::keep});
  ann.writes(huge, std::size_t{100'000});
  farm.passes(500ms);
  const JobId slow = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, numbered(8));
  CHECK(farm.passes_until([&] { return farm.job(slow).text("state") == "ended"; }, 1500ms));
}

TEST_CASE("while suspect tasks wait for a slot, quick ones of another job get what is free and no more") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& lost = farm.worker({.name = "lost", .slots = 3});
  const JobId suspects = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, {"a", "b", "c"});
  FarmWorker& good = farm.worker({.name = "good"});
  ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, numbered(10'000));
  for (int i = 0; i < 5; ++i) good.finishes_all(10us);
  REQUIRE(good.held.size() > 1);
  lost.dies();
  REQUIRE(farm.passes_until([&] { return farm.job(suspects).number("queued") == 3; }, 1s));
  while (farm.job(suspects).number("queued") > 0) {
    good.finishes_all(10us);
    CHECK((good.held.size() == 1 || farm.job(suspects).number("queued") == 0));
  }
}

TEST_CASE("a suspect task that waits for a free slot is not kept out by quick ones of another job") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& lost = farm.worker({.name = "lost"});
  const JobId suspect = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, {"a"});
  lost.dies();
  farm.passes(200ms);
  farm.worker({.name = "good", .pace = taking(1ms)});
  ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, numbered(10'000));
  farm.passes(2s);
  CHECK(farm.job(suspect).number("done") == 1);
}

TEST_CASE("priority is strict") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  std::vector<JobId> order;
  SUBCASE("of slow tasks") {
    farm.worker({.slots = 2, .pace = [&](const HeldTask& task) { return order.push_back(task.job), Duration(1s); }});
  }
  SUBCASE("of quick tasks") {
    farm.worker({.slots = 2, .pace = [&](const HeldTask& task) { return order.push_back(task.job), Duration(100us); }});
  }
  const JobId low = ann.opens({.kind = "echo", .results = ResultsPolicy::keep});
  ann.writes(low, numbered(3000));
  farm.passes(100ms);
  order.clear();
  const JobId high = ann.opens({.kind = "echo", .priority = 5, .results = ResultsPolicy::keep});
  ann.writes(high, numbered(500));
  farm.passes_until([&] { return farm.job(high).number("queued") == 0; });
  const auto first_high = std::find(order.begin(), order.end(), high);
  const auto last_low = std::find(order.rbegin(), order.rend(), low);
  CHECK(std::count(order.begin(), order.end(), high) + 500 >= 500);
  CHECK((last_low == order.rend() ||
         first_high - order.begin() + 1 >= order.rend() - last_low));  // no low one behind the first high one
}

TEST_CASE("the priority of a job may be changed") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId first = ann.runs({.kind = "echo"}, numbered(3));
  const JobId second = ann.runs({.kind = "echo"}, numbered(3));
  Command command;
  command.verb = "priority";
  command.selector = std::to_string(value(second));
  command.priority = 3;
  CHECK(ann.commands(command) == std::vector<std::string>{"2"});
  for (int i = 0; i < 4; ++i) worker.finishes_all();
  CHECK(farm.job(second).number("done") == 3);
  CHECK(farm.job(first).number("done") == 1);
}

TEST_CASE("quick tasks go out many at once, slow ones one for each slot") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  SUBCASE("quick") {
    FarmWorker& worker = farm.worker({.slots = 2, .pace = taking(10us)});
    ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, numbered(20'000));
    farm.passes(1s);
    CHECK(worker.runs == 20'000);
    CHECK(worker.messages_of_tasks < 200);
  }
  SUBCASE("slow") {
    FarmWorker& worker = farm.worker({.slots = 2});
    ann.runs({.kind = "echo"}, numbered(100));
    for (int i = 0; i < 10; ++i) {
      CHECK(worker.held.size() == 2);
      worker.finishes_all(1s);
    }
  }
}

// A worker that has done thousands of tasks of a job, each in no time.
struct Quick {
  Quick() {
    ann.writes(job, std::size_t{5'000});
    finishes();
  }

  void finishes() {
    while (!worker.held.empty()) worker.finishes_all(1us);
  }

  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  JobId job = ann.opens({.kind = "echo", .results = ResultsPolicy::keep});
};

TEST_CASE_FIXTURE(Quick, "in memory, what a worker has room for leaves in one message") {
  const std::size_t before = worker.messages_of_tasks;
  ann.submits(job, 5'000, numbered(3'000));
  CHECK(worker.held.size() == 3'000);
  CHECK(worker.messages_of_tasks == before + 1);
}

TEST_CASE_FIXTURE(Quick, "one task that the machine kept from running says little about thousands of quick ones, and several say more") {
  ann.writes(job, numbered(1));
  worker.finishes_all(5ms);
  ann.writes(job, numbered(3'000));
  CHECK(worker.held.size() == 3'000);
  finishes();
  for (int i = 0; i < 20; ++i) {
    ann.writes(job, numbered(1));
    worker.finishes_all(5ms);
  }
  ann.writes(job, numbered(3'000));
  CHECK(worker.held.size() <= 3);  // about twice 5 ms: kMeasuredWork
}

TEST_CASE("near the tail something is left for the others") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  FarmWorker& w2 = farm.worker({.name = "w2"});
  const JobId job = ann.opens({.kind = "echo"});
  ann.writes(job, numbered(2));
  for (int i = 0; i < 20; ++i) {  // both are known to be quick
    ann.writes(job, numbered(2));
    w1.finishes_all(10us);
    w2.finishes_all(10us);
  }
  ann.writes(job, numbered(40));
  CHECK(w1.held.size() + w2.held.size() >= 20);
  CHECK(w1.held.size() <= 35);
  CHECK(w2.held.size() <= 35);
  CHECK(!w1.held.empty());
  CHECK(!w2.held.empty());
}

// A worker that was taken for quick holds tasks ahead and is slow now; another has nothing to do, and the first is asked to give some back.
struct Hoard {
  Hoard() {
    ann.writes(ann.opens({.kind = "echo", .results = ResultsPolicy::keep}), numbered(200));
    for (int i = 0; i < 2; ++i) w1.finishes_all(10us);
    REQUIRE(w1.held.size() > 10);
    w2 = &farm.worker({.name = "w2"});
    while (!w2->held.empty()) w2->finishes_all(10us);
    farm.passes(50ms);
  }

  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  FarmWorker* w2 = nullptr;
};

TEST_CASE("what a worker holds ahead comes back when its tasks turn out to be slow and another is idle") {
  Hoard it;
  FarmWorker& w1 = it.w1;
  const Recall recall = w1.takes<Recall>();
  CHECK(recall.mode == RecallMode::unstarted);
  std::vector<Index> unstarted = w1.indices();
  unstarted.erase(unstarted.begin());
  std::erase_if(unstarted, [&](Index index) { return w1.task(index).lease != recall.lease; });
  w1.releases(unstarted);
  CHECK(!it.w2->held.empty());
  while (w1.has<Recall>()) w1.takes<Recall>();
}

TEST_CASE("a worker that has greeted anew is asked again for what it holds ahead") {
  Hoard it;
  FarmWorker& w1 = it.w1;
  while (w1.has<Recall>()) w1.takes<Recall>();  // in truth it was lost
  w1.greets();
  it.farm.passes(50ms);
  CHECK(w1.has<Recall>());
  while (w1.has<Recall>()) w1.takes<Recall>();
}

TEST_CASE("a job's tasks in flight are limited") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  for (int i = 0; i < 20; ++i) farm.worker({.name = "w", .slots = limits::kMaxSlots});
  const JobId job = ann.opens({.kind = "echo", .results = ResultsPolicy::keep});
  ann.writes(job, std::size_t{100'000});
  CHECK(farm.job(job).number("running") == limits::kMaxUnendedTasks);
}

TEST_CASE("a worker's bytes in flight are limited, and those who have room get the rest") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1", .slots = 8});
  FarmWorker& w2 = farm.worker({.name = "w2", .slots = 8});
  const JobId job = ann.opens({.kind = "echo", .results = ResultsPolicy::keep});
  const std::string large(limits::kMaxPayloadBytes, 'x');
  for (int i = 0; i < 6; ++i) ann.writes(job, {large});
  CHECK(w1.held.size() >= 2);
  CHECK(w2.held.size() >= 2);
  CHECK(w1.held.size() + w2.held.size() <= 5);
}

TEST_CASE("a failed task prefers another worker, but does not wait for ever") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  const JobId job = ann.runs({.kind = "echo", .backoff_base = 10ms}, {"a"});
  FarmWorker& w2 = farm.worker({.name = "w2"});
  SUBCASE("another is there") {
    w1.fails(0);
    farm.passes(11ms);
    CHECK(w2.holds(0));
  }
  SUBCASE("all others are busy") {
    ann.runs({.kind = "echo"}, {"long"});
    REQUIRE(w2.holds(0));
    w1.fails(0);
    farm.passes(5s);
    CHECK(w1.holds(0));
  }
  CHECK(farm.job(job).number("running") == 1);
}

TEST_CASE("nothing is handed out while too much waits for the store, and then it goes on") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.kinds = {"echo"}});
  ann.runs({.kind = "echo"}, {"a", "b", "c"});
  std::vector<JobId> large;
  for (std::uint64_t bytes = 0; bytes < limits::kMaxUncommittedBytes; bytes += limits::kSubmitWindowBytes) {
    large.push_back(ann.opens({.kind = "other", .results = ResultsPolicy::keep}));
  }
  farm.holds_commits();
  worker.finishes({0});
  CHECK(worker.holds(1));
  const std::string half_a_window(limits::kSubmitWindowBytes / 2, 'x');
  for (const JobId job : large) {
    for (Index index = 0; index < 2; ++index) ann.submits(job, index, {half_a_window});
  }
  worker.finishes({1});
  CHECK(worker.held.empty());
  farm.commits();
  CHECK(worker.holds(2));
}

}  // namespace
}  // namespace stint::broker
