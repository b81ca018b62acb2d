// Losses: which task is to blame when workers are lost, and who runs beside it meanwhile.
#include "common/model/limits.hpp"
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

TEST_CASE("row 37: a task that was alone when its worker was lost for the third time fails, naming them") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo"});
  ann.reads(job);
  ann.writes(job, {"poison"});
  for (const Suspicion step : {Suspicion::none, Suspicion::one_per_slot, Suspicion::alone}) {
    FarmWorker& worker = farm.worker({.name = "w"});
    REQUIRE(worker.holds(0));
    CHECK(worker.task(0).suspicion == step);
    worker.dies();
    farm.passes(400ms);
  }
  REQUIRE(ann.reading[job].results.size() == 1);
  CHECK(ann.reading[job].results[0].failure == Failure::lost);
  CHECK(ann.reading[job].results[0].error == "its worker was lost while running it, 3 times: w, w, w");
  CHECK(ann.reading[job].results[0].worker.empty());
  CHECK(farm.job(job).number("losses") == 3);
}

TEST_CASE("row 37: of a poison and 3,000 quick tasks beside it, only the poison is charged") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo"});
  ann.reads(job, limits::kReaderWindowTasks);
  std::vector<std::string> tasks = numbered(3001);
  tasks[700] = "poison";
  ann.writes(job, tasks);
  ann.closes(job);
  const auto pace = [](const HeldTask& task) { return task.payload == "poison" ? Duration(-1) : Duration(100us); };
  int alive = 0;
  const bool ended = farm.passes_until(
      [&] {
        alive = 0;
        for (const auto& worker : farm.workers()) alive += worker->silent ? 0 : 1;
        if (alive < 2) farm.worker({.name = "w", .slots = 4, .pace = pace});
        return ann.reading[job].ended;
      },
      60s);
  REQUIRE(ended);
  CHECK(ann.reading[job].status.counts.done == 3000);
  CHECK(ann.reading[job].status.counts.failed == 1);
  for (const ReadResult& result : ann.reading[job].results) CHECK(result.failure.has_value() == (result.index == 700));
  CHECK(farm.job(job).number("losses") <= 12);
}

TEST_CASE("an acquitted task starts afresh, and a suspect's neighbours are not held up by it") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1", .slots = 2});
  const JobId job = ann.runs({.kind = "echo"}, numbered(6));
  w1.dies();
  farm.passes(400ms);
  FarmWorker& w2 = farm.worker({.name = "w2", .slots = 2});
  w2.dies();
  farm.passes(400ms);  // 0 and 1 must be alone now
  FarmWorker& w3 = farm.worker({.name = "w3", .slots = 2});
  CHECK(w3.indices() == std::vector<Index>{0});
  CHECK(w3.task(0).suspicion == Suspicion::alone);
  FarmWorker& w4 = farm.worker({.name = "w4", .slots = 2});
  CHECK(w4.indices() == std::vector<Index>{1});
  FarmWorker& w5 = farm.worker({.name = "w5", .slots = 2});
  CHECK(w5.indices() == std::vector<Index>{2, 3});
  w3.fails(0);
  farm.passes(2s);
  while (farm.job(job).text("state") != "ended") {
    w3.finishes_all();
    w4.finishes_all();
    w5.finishes_all();
  }
  CHECK(farm.job(job).number("done") == 6);
}

TEST_CASE("a worker that empties itself for a task that must be alone takes work again when that has gone elsewhere") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& busy = farm.worker({.name = "busy", .kinds = {"echo", "long"}});
  ann.runs({.kind = "long"}, {"an hour"});
  const JobId job = ann.runs({.kind = "echo"}, {"poison"});
  for (int i = 0; i < 2; ++i) {
    farm.worker({.name = "w"}).dies();
    farm.passes(400ms);
  }
  busy.changes({"echo", "long"}, 3);
  CHECK(busy.indices() == std::vector<Index>{0});  // it waits until it is empty
  ann.runs({.kind = "long"}, {"b"});
  CHECK(busy.held.size() == 1);
  SUBCASE("another worker has taken it") {
    FarmWorker& other = farm.worker({.name = "other"});
    CHECK(other.task(0).suspicion == Suspicion::alone);
  }
  SUBCASE("its job was cancelled") { ann.commands("cancel", job); }
  SUBCASE("its job was paused") { ann.commands("pause", job); }
  SUBCASE("it offers that kind no more") { busy.changes({"long"}, 3); }
  CHECK(busy.held.size() == 2);
}

TEST_CASE("a task that must be alone goes to the worker that has emptied itself, and keeps no other job waiting") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1", .kinds = {"echo", "long"}});
  FarmWorker& w2 = farm.worker({.name = "w2", .kinds = {"echo", "long"}});
  ann.runs({.kind = "long"}, {"an hour", "an hour"});
  const JobId job = ann.runs({.kind = "echo"}, {"poison"});
  for (int i = 0; i < 2; ++i) {
    farm.worker({.name = "w"}).dies();
    farm.passes(400ms);
  }
  w1.changes({"echo", "long"}, 2);
  w2.changes({"echo", "long"}, 2);
  CHECK(w1.held.size() + w2.held.size() == 2);
  ann.runs({.kind = "long"}, {"b"});
  CHECK(w1.held.size() == 1);  // reserved
  CHECK(w2.held.size() == 2);
  w1.finishes_all();
  REQUIRE(w1.held.size() == 1);
  CHECK(w1.held.front().suspicion == Suspicion::alone);
  w1.finishes_all();
  CHECK(farm.job(job).number("done") == 1);
}

}  // namespace
}  // namespace stint::broker
