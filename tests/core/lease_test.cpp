// Leases: handing out, answers, giving back, losing, coming back.
#include "common/model/limits.hpp"
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

TEST_CASE("a task goes all the way") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.name = "w1"});
  JobOptions options{.kind = "echo", .name = "n"};
  options.context = "argv";
  options.time_limit = 5s;
  const JobId job = ann.opens(options);
  ann.reads(job);
  ann.writes(job, {"hello"});
  REQUIRE(worker.holds(0));
  CHECK(worker.task(0).payload == "hello");
  CHECK(worker.task(0).attempt == 1);
  CHECK(worker.jobs[job].context == "argv");
  CHECK(worker.jobs[job].time_limit_ms == 5000);
  CHECK(farm.job(job).number("running") == 1);
  worker.finishes({0});
  CHECK(worker.acked == 0);  // results are acknowledged together
  farm.passes(limits::kResultsAckDelay);
  CHECK(worker.acked == worker.last_sent());
  REQUIRE(ann.reading[job].results.size() == 1);
  CHECK(ann.reading[job].results[0].result == "hello");
  CHECK(ann.reading[job].results[0].worker == "w1");
  CHECK_FALSE(ann.reading[job].ended);
  ann.closes(job);
  CHECK(ann.reading[job].ended);
  CHECK(ann.reading[job].status.counts.done == 1);
  CHECK(worker.jobs.empty());  // the job is gone, and it was told
}

TEST_CASE("row 11: a result that does not fit its lease changes nothing, and is acknowledged") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  FarmWorker& w2 = farm.worker({.name = "w2"});
  const JobId job = ann.runs({.kind = "echo"}, {"a", "b", "c"});
  const LeaseId lease = w1.task(0).lease;
  SUBCASE("twice") {
    w1.finishes({0});
    w1.claims(lease, 0);
    CHECK(farm.job(job).number("done") == 1);
  }
  SUBCASE("for a task that is not in the lease") {
    w1.claims(lease, 2);
    CHECK(farm.job(job).number("done") == 0);
  }
  SUBCASE("for another worker's lease") {
    w2.claims(lease, 0);
    CHECK(farm.job(job).number("done") == 0);
    farm.passes(limits::kResultsAckDelay);
    CHECK(w2.acked == w2.last_sent());
  }
  SUBCASE("for a lease that never was") {
    w1.claims(LeaseId{12345}, 0);
    CHECK(farm.job(job).number("done") == 0);
  }
  SUBCASE("for an old attempt") {
    const JobId slow = ann.runs({.kind = "echo", .backoff_base = 0ms}, {});
    w1.fails(0);
    farm.passes(2s);
    w1.claims(lease, 0);
    CHECK(farm.job(job).number("done") == 0);
    CHECK(slow != job);
  }
  CHECK(w1.acked <= w1.last_sent());
  CHECK(farm.job(job).number("total") == 3);
}

TEST_CASE("some of a batch may be late: the rest counts") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 3});
  const JobId job = ann.runs({.kind = "echo"}, {"a", "b", "c"});
  const LeaseId lease = worker.task(0).lease;
  worker.finishes({1});
  OutcomesBuilder outcomes;
  for (const Index index : {0, 1, 2, 7}) outcomes.done(index, "x", 1);
  worker.says(LeaseResults{lease, outcomes.take()});
  CHECK(farm.job(job).number("done") == 3);
  CHECK(farm.job(job).text("state") == "ended");
}

TEST_CASE("released tasks go out again, free of charge") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1", .slots = 3});
  const JobId job = ann.runs({.kind = "echo"}, {"a", "b", "c"});
  FarmWorker& w2 = farm.worker({.name = "w2"});
  w1.changes({"other"}, 3);
  w1.releases({0, 2});
  CHECK(w2.indices() == std::vector<Index>{0});
  CHECK(w2.task(0).suspicion == Suspicion::none);
  CHECK(farm.job(job).number("losses") == 0);
  w1.says(Release{w1.task(1).lease, {{0, 3}, {99, 5}}});  // what it holds is given back, the rest is nothing
  CHECK(farm.job(job).number("running") == 1);
}

TEST_CASE("a worker that leaves gives back what it held, free of charge") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1", .slots = 4});
  const JobId job = ann.runs({.kind = "echo"}, numbered(4));
  w1.finishes({3});
  w1.leaves();
  FarmWorker& w2 = farm.worker({.name = "w2", .slots = 4});
  CHECK(w2.indices() == std::vector<Index>{0, 1, 2});
  CHECK(w2.task(0).suspicion == Suspicion::none);
  w2.finishes_all();
  CHECK(farm.job(job).text("state") == "ended");
  CHECK(farm.job(job).number("losses") == 0);
}

TEST_CASE("leases that a greeting worker names it keeps; what it does not name is queued again") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 4});
  const JobId job = ann.runs({.kind = "echo"}, numbered(4));
  worker.forgets(1);
  worker.forgets(2);
  worker.moves();
  worker.greets();
  CHECK(worker.welcome.drop.empty());
  CHECK(worker.indices() == std::vector<Index>{0, 3, 1, 2});
  CHECK(worker.task(0).attempt == 1);
  CHECK(worker.task(1).attempt == 2);
  CHECK(farm.job(job).number("running") == 4);
  worker.finishes_all();
  CHECK(farm.job(job).number("done") == 4);
  CHECK(farm.job(job).number("losses") == 0);
}

TEST_CASE("a short cut re-runs nothing") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1", .slots = 2});
  const JobId job = ann.runs({.kind = "echo"}, numbered(2));
  FarmWorker& w2 = farm.worker({.name = "w2"});
  farm.is_unreachable(w1);
  w1.silent = true;
  farm.passes(200ms);
  w1.silent = false;
  w1.moves();
  w1.greets();
  farm.passes(1s);
  CHECK(w2.held.empty());
  w1.finishes_all();
  CHECK(farm.job(job).number("done") == 2);
  CHECK(farm.job(job).number("redone") == 0);
}

TEST_CASE("row 12: a lost worker's tasks are run again by another, attempt + 1") {
  Farm farm;
  farm.subscribes("worker.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1", .slots = 2});
  const JobId job = ann.runs({.kind = "echo"}, numbered(2));
  FarmWorker& w2 = farm.worker({.name = "w2", .slots = 2});
  w1.dies();
  farm.passes(400ms);
  CHECK(w2.indices() == std::vector<Index>{0, 1});
  CHECK(w2.task(0).attempt == 2);
  CHECK(w2.task(0).suspicion == Suspicion::one_per_slot);
  CHECK(farm.job(job).number("losses") == 1);
  CHECK(farm.job(job).number("redone") == 2);
  CHECK(farm.events("worker.w1.", "lost").size() == 1);
  w2.finishes_all();
  CHECK(farm.job(job).number("done") == 2);
}

TEST_CASE(
    "row 13: a worker that comes back too late: what went to others it drops, and its late answers change nothing") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1", .slots = 2});
  const JobId job = ann.runs({.kind = "echo"}, {"a", "b"});
  const LeaseId old = w1.task(0).lease;
  w1.silent = true;
  farm.passes(1s);
  FarmWorker& w2 = farm.worker({.name = "w2", .slots = 1});  // takes one of the two
  REQUIRE(w2.indices() == std::vector<Index>{0});
  w1.silent = false;
  w1.says(Heartbeat{});
  CHECK(w1.takes<HelloAgain>().reason == "unknown session");
  w1.greets();
  CHECK(w1.indices() == std::vector<Index>{1});  // nobody else has begun it: it keeps it
  w1.claims(old, 0);
  CHECK(farm.job(job).number("done") == 0);
  w1.finishes_all();
  w2.finishes_all();
  CHECK(farm.job(job).number("done") == 2);
  CHECK(w1.runs + w2.runs == 2);
  CHECK(farm.job(job).number("total") == 2);
}

TEST_CASE("row 13: what another has begun since the loss is not kept, also when it waits again") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  w1.silent = true;
  farm.passes(1s);
  FarmWorker& w2 = farm.worker({.name = "w2"});
  SUBCASE("for its next attempt") { w2.fails(0); }
  SUBCASE("given back") {
    w2.changes({"other"}, 1);
    w2.releases_all();
  }
  w1.silent = false;
  w1.hello.kinds = {"something"};
  w1.greets();
  CHECK(w1.held.empty());
  CHECK(farm.job(job).number("running") == 0);
}

TEST_CASE("row 13: a failure that a returned worker tells of again counts once") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  const JobId job = ann.runs({.kind = "echo", .max_attempts = 2}, {"a"});
  const LeaseId old = w1.task(0).lease;
  w1.silent = true;
  farm.passes(1s);
  w1.silent = false;
  w1.greets();
  REQUIRE(w1.holds(0));  // nobody else has begun it: it keeps it
  w1.fails(0);
  w1.held.push_back({old, job, 0, 1, Suspicion::none, "a"});  // it never heard of the acknowledgement
  w1.greets();
  CHECK(w1.held.empty());
  w1.says(LeaseResults{old, [] {
                         OutcomesBuilder outcomes;
                         outcomes.not_done(0, Failure::failed, {}, "no", 1);
                         return outcomes.take();
                       }()});
  CHECK(farm.job(job).number("delayed") == 1);
  CHECK(farm.job(job).number("failed") == 0);
}

TEST_CASE("row 18: a failure that a worker tells of again after a restart counts once") {
  Options options = Farm::quick();
  options.durable = true;
  Farm farm(options);
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo", .max_attempts = 2}, {"a"});
  farm.broker_restarts();
  ann.greets();
  worker.greets();
  const HeldTask task = worker.task(0);
  worker.fails(0);
  CHECK(farm.job(job).number("delayed") == 1);
  worker.held.push_back(task);  // the acknowledgement was lost
  worker.greets();
  CHECK(worker.held.empty());
  CHECK(farm.job(job).number("delayed") == 1);
  farm.passes(2s);
  CHECK(worker.task(0).attempt == 2);
  worker.fails(0);
  CHECK(farm.job(job).number("failed") == 1);
}

TEST_CASE("row 18: what a worker comes back with after a restart was not lost: of what was handed out again it takes nothing off") {
  Options options = Farm::quick();
  options.durable = true;
  Farm farm(options);
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  FarmWorker& w2 = farm.worker({.name = "w2"});
  const JobId job = ann.runs({.kind = "echo"}, {"a", "b"});
  farm.broker_restarts();
  ann.greets();
  w1.greets();
  w1.fails(0);
  CHECK(farm.job(job).number("redone") == 1);
  w2.greets();
  REQUIRE(w2.holds(1));
  CHECK(farm.job(job).number("redone") == 1);
}

// A task of a durable broker that has failed once and is in its second attempt. Then the broker is killed, and nobody has heard anything.
struct SecondAttempt {
  SecondAttempt() {
    first = w.task(0);
    w.fails(0);
    REQUIRE(farm.passes_until([&] { return w.holds(0); }));
    second = w.task(0);
    farm.broker_restarts();
    w.hello.store = w.welcome.store;
  }

  static Options durable() {
    Options options = Farm::quick();
    options.durable = true;
    return options;
  }

  void comes_back_with(std::vector<HeldTask> held) {
    w.held = std::move(held);
    w.greets();
  }

  Farm farm{durable()};
  FarmClient& ann = farm.client("ann");
  FarmWorker& w = farm.worker({.name = "w"});
  const JobId job = ann.runs({.kind = "echo", .max_attempts = 2, .backoff_base = 1ms, .backoff_cap = 1ms}, {"a"});
  HeldTask first;   // as its worker held it when it failed ...
  HeldTask second;  // ... and now
};

TEST_CASE("row 18: a failure that was counted before a restart is not counted again, when its worker never heard of the acknowledgement") {
  SecondAttempt it;
  it.ann.greets();
  it.comes_back_with({it.first});
  REQUIRE(it.w.holds(0));
  it.w.fails(0);
  CHECK(it.farm.job(it.job).number("failed") == 0);
  CHECK(it.farm.job(it.job).number("delayed") == 1);
  it.comes_back_with({it.first});  // nor this time
  CHECK(it.w.held.empty());
  REQUIRE(it.farm.passes_until([&] { return it.w.holds(0); }));
  it.w.fails(0);
  CHECK(it.farm.job(it.job).number("failed") == 1);
}

TEST_CASE("row 18: of two leases of a task with which its worker comes back after a restart, the younger counts") {
  SecondAttempt it;
  it.comes_back_with({it.first, it.second});
  REQUIRE(it.w.held.size() == 1);
  CHECK(it.w.task(0).lease == it.second.lease);
  it.w.finishes({0});
  CHECK(it.farm.job(it.job).number("done") == 1);
}

TEST_CASE("row 18: a worker that comes back after a restart with the younger lease of a task has it, though another one came first") {
  SecondAttempt it;
  FarmWorker& other = it.farm.worker({.name = "other"});
  it.comes_back_with({it.first});
  REQUIRE(it.w.holds(0));
  other.hello.store = it.w.hello.store;
  other.held = {it.second};
  other.greets();
  CHECK(other.holds(0));
  CHECK(it.w.takes<Recall>().lease == it.first.lease);
  CHECK(it.farm.job(it.job).number("redone") == 0);
  it.w.fails(0);  // too late
  CHECK(it.farm.job(it.job).number("running") == 1);
  other.finishes({0});
  CHECK(it.farm.job(it.job).number("done") == 1);
}

TEST_CASE("row 18: so it is when the first has failed meanwhile: then it is not handed out again for that") {
  SecondAttempt it;
  FarmWorker& other = it.farm.worker({.name = "other"});
  it.comes_back_with({it.first});
  it.w.fails(0);
  it.farm.passes(10ms);  // more than its backoff
  CHECK(it.farm.job(it.job).number("redone") == 1);
  other.hello.store = it.w.hello.store;
  other.held = {it.second};
  other.greets();
  REQUIRE(other.holds(0));
  CHECK(it.farm.job(it.job).number("redone") == 0);
  other.finishes({0});
  CHECK(it.farm.job(it.job).number("done") == 1);
}

TEST_CASE("row 18: so it is when the first is not welcomed yet: its WELCOME says what it has to drop") {
  SecondAttempt it;
  FarmWorker& other = it.farm.worker({.name = "other"});
  it.ann.greets();
  it.farm.holds_commits();
  it.ann.opens({.kind = "something"});  // the WELCOME waits for this
  it.comes_back_with({it.first});
  other.hello.store = it.w.hello.store;
  other.held = {it.second};
  other.greets();
  it.farm.commits();
  CHECK(it.w.held.empty());
  other.finishes({0});
  CHECK(it.farm.job(it.job).number("done") == 1);
}

TEST_CASE("row 13: a peer cannot keep what it was never given") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  w1.fails(0);
  FarmWorker& w2 = farm.worker({.name = "w2", .kinds = {"other"}});
  const auto claim = [&](LeaseId lease) {
    w2.held.push_back({lease, job, 0, 1, Suspicion::none, "a"});
    w2.greets();
    CHECK(w2.held.empty());
    CHECK(farm.job(job).number("delayed") == 1);
  };
  claim(LeaseId{0});
  claim(LeaseId{4711});
  w2.welcome.store = StoreId{1};
  claim(LeaseId{1});
}

TEST_CASE("row 19: what a worker holds from another store is dropped") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.kinds = {"other"}});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  w1.held.push_back({LeaseId{(1ULL << 40) + 1}, job, 0, 1, Suspicion::none, "a"});
  w1.welcome.store = StoreId{78};
  w1.greets();
  CHECK(w1.welcome.drop.size() == 1);
  CHECK(w1.held.empty());
  CHECK(farm.job(job).number("queued") == 1);
}

TEST_CASE("a worker can neither give back nor report on what another one holds") {
  Farm farm;
  farm.subscribes("task.1.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  FarmWorker& w2 = farm.worker({.name = "w2", .kinds = {"other"}});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  const LeaseId lease = w1.task(0).lease;
  w2.says(Release{lease, {Run{0, 1}}});
  w2.says(Progress{lease, 0, 0.5, "not mine"});
  w1.says(Progress{lease, 7, 0.5, "not of this lease"});
  CHECK(farm.events("task.1.", "task_progress").empty());
  CHECK(farm.job(job).number("running") == 1);
  SUBCASE("nor keep it by naming it in its greeting") {
    w2.held.push_back(w1.task(0));
    w2.greets();
    CHECK(w2.held.empty());
  }
  w1.finishes_all();
  CHECK(farm.job(job).number("done") == 1);
}

TEST_CASE("a worker that greets with a task that was cancelled meanwhile is told to drop it") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  ann.commands("cancel", job);
  worker.takes<Recall>();
  worker.greets();
  CHECK(worker.held.empty());
  CHECK(farm.job(job).number("cancelled") == 1);
}

TEST_CASE("what a greeting worker does not name of a cancelled job occupies it no more") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 2});
  const JobId job = ann.runs({.kind = "echo"}, {"a", "b"});
  const LeaseId lease = worker.task(0).lease;
  ann.commands("cancel", job);
  worker.takes<Recall>();
  worker.forgets(0);  // it has given it back, and that was lost
  worker.greets();
  CHECK(worker.held.empty());
  CHECK(farm.asks("workers").front().number("held") == 1);
  worker.says(Release{lease, {{1, 1}}});
  CHECK(farm.asks("workers").front().number("held") == 0);
}

}  // namespace
}  // namespace stint::broker
