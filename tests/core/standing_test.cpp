// Why a job stands still: each reason has a name, a sentence, and its moment.
#include "common/model/limits.hpp"
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

TEST_CASE("row 17: a kind that nobody offers is said, in the listing and as an event") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  farm.worker({.kinds = {"other"}});
  const JobId job = ann.runs({.kind = "render"}, {"a"});
  CHECK(farm.job(job).text("reason").starts_with("no worker offers kind render: start one"));
  CHECK(farm.events("job.1.", "stalled").empty());
  farm.passes(limits::kStallDelay + 100ms);
  REQUIRE(farm.events("job.1.", "stalled").size() == 1);
  CHECK(farm.events("job.1.", "stalled").front().fields.text("reason").starts_with("no worker offers kind render"));
  FarmWorker& worker = farm.worker({.kinds = {"render"}});
  CHECK(farm.job(job).text("reason").empty());
  worker.dies();
  farm.passes(2s);
  CHECK(farm.events("job.1.", "stalled").size() == 2);
}

TEST_CASE("an open job with nothing left to do and nobody who would close it is said to stand still") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.opens({.kind = "echo"});
  ann.writes(job, {"a"});
  ann.leaves();
  CHECK(farm.job(job).text("stalled") == "");  // its task runs
  worker.finishes({0});
  CHECK(farm.job(job).text("stalled") == "writer_gone");
  CHECK(farm.job(job).text("reason").find("stint close 1") != std::string::npos);
  farm.passes(limits::kStallDelay + 100ms);
  CHECK(farm.events("job.1.", "stalled").size() == 1);
  bob.commands("close", job);
  CHECK(farm.job(job).text("state") == "ended");
}

TEST_CASE("a submitter that is silent has its grace before its job is said to stand still") {
  Options options = Farm::quick();
  options.writer_grace = limits::kWriterGrace;
  Farm farm(options);
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo"});
  ann.silent = true;
  farm.passes(limits::kWriterGrace / 2);
  CHECK(farm.job(job).text("stalled") == "");
  farm.passes(limits::kWriterGrace);
  CHECK(farm.job(job).text("stalled") == "writer_gone");
  CHECK(farm.events("job.1.", "stalled").size() == 1);
}

TEST_CASE("that a job stands still is not told before it was opened, however long that takes the store") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo", .max_attempts = 1}, {"a"});
  worker.fails(0);
  worker.leaves();
  farm.holds_commits();
  ann.commands("retry", job);
  farm.passes(3 * limits::kStallDelay);
  CHECK(farm.events("job.2.", "stalled").empty());
  farm.commits();
  CHECK(ann.takes<Done>().affected == std::vector<std::string>{"2"});
  farm.passes(2 * limits::kStallDelay);
  CHECK(farm.events("job.2.", "opened").size() == 1);
  CHECK(farm.events("job.2.", "stalled").size() == 1);
}

TEST_CASE("a reason that passes within moments is nobody's news") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  ann.runs({.kind = "render"}, {"a", "b"});
  farm.passes(400ms);
  FarmWorker& worker = farm.worker({.kinds = {"render"}});
  farm.passes(50ms);
  worker.leaves();
  farm.passes(200ms);
  CHECK(farm.events("job.1.", "stalled").empty());
}

TEST_CASE("row 22: a job whose writer waits for room in the store says so, and goes on when there is some") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  farm.worker({});
  farm.fills_disk("the disk is full: free space");
  const JobId job = ann.opens({.kind = "echo"});
  CHECK(ann.accepted[job].reason == "the disk is full: free space");
  CHECK(farm.job(job).text("reason") == "the disk is full: free space");
  farm.passes(limits::kStallDelay + 100ms);
  CHECK(farm.events("job.1.", "stalled").size() == 1);
  farm.fills_disk("");
  CHECK(ann.accepted[job].reason.empty());
  CHECK(farm.job(job).text("reason").empty());
}

}  // namespace
}  // namespace stint::broker
