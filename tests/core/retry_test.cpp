// Failures: what is tried again, when, and how often.
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

TEST_CASE("a failed task is tried again after a growing wait, up to max_attempts") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.opens({.kind = "echo", .max_attempts = 3, .backoff_base = 1000ms});
  ann.reads(job);
  ann.writes(job, {"a"});
  worker.fails(0);
  CHECK(farm.job(job).number("delayed") == 1);
  farm.passes(450ms);
  CHECK(worker.held.empty());
  farm.passes(600ms);
  REQUIRE(worker.holds(0));
  CHECK(worker.task(0).attempt == 2);
  worker.fails(0);
  farm.passes(950ms);
  CHECK(worker.held.empty());
  farm.passes(1100ms);
  REQUIRE(worker.holds(0));
  worker.fails(0);
  CHECK(farm.job(job).number("failed") == 1);
  REQUIRE(ann.reading[job].results.size() == 1);
  CHECK(ann.reading[job].results[0].failure == Failure::failed);
  CHECK(ann.reading[job].results[0].error == "no");
  CHECK(ann.reading[job].results[0].attempt == 3);
}

TEST_CASE("what would fail alike is not tried again") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  SUBCASE("rejected") { worker.fails(0, Failure::rejected); }
  SUBCASE("too large") { worker.fails(0, Failure::too_large); }
  CHECK(farm.job(job).number("failed") == 1);
  CHECK(farm.job(job).text("state") == "ended");
}

TEST_CASE("a task over its time limit is tried again") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  worker.fails(0, Failure::timed_out);
  CHECK(farm.job(job).number("delayed") == 1);
}

TEST_CASE("too many failures pause the job, which says so") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo", .max_attempts = 1, .max_failures = 1}, numbered(4));
  worker.fails(0);
  CHECK(farm.job(job).text("state") == "closed");
  worker.fails(1);
  CHECK(farm.job(job).text("state") == "paused");
  CHECK(farm.job(job).text("reason").starts_with("2 tasks failed, more than max_failures (1)"));
  CHECK(farm.events("job.1.", "paused").size() == 1);
  CHECK(worker.held.empty());
  ann.commands("resume", job);
  CHECK(worker.holds(2));
}

TEST_CASE("a job that was resumed after too many failures counts them anew") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo", .max_attempts = 1, .max_failures = 1}, numbered(6));
  worker.fails(0);
  worker.fails(1);
  ann.commands("resume", job);
  worker.fails(2);
  CHECK(farm.job(job).text("state") == "closed");
  worker.fails(3);
  CHECK(farm.job(job).text("state") == "paused");
  CHECK(farm.job(job).text("reason").starts_with("2 tasks failed since it was resumed, more than max_failures (1)"));
}

}  // namespace
}  // namespace stint::broker
