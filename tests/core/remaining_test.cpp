// What remains when people have gone: jobs whose writer left, and jobs that have ended.
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

TEST_CASE("a job whose writer is gone is kept, or cancelled when it was opened so") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobOptions options{.kind = "echo", .key = "k", .on_writer_gone = WriterGone::cancel};
  SUBCASE("at once when it says BYE") {
    const JobId job = ann.opens(options);
    ann.leaves();
    farm.passes(1ms);
    CHECK(farm.job(job).text("state") == "cancelled");
  }
  SUBCASE("after the grace when it is silent") {
    const JobId job = ann.opens(options);
    ann.silent = true;
    farm.passes(1s);
    CHECK(farm.job(job).text("state") == "open");
    farm.passes(500ms);
    CHECK(farm.job(job).text("state") == "cancelled");
  }
  SUBCASE("not when it comes back in time") {
    const JobId job = ann.opens(options);
    ann.silent = true;
    farm.passes(1s);
    ann.silent = false;
    ann.greets();
    CHECK(ann.opens(options) == job);
    farm.passes(3s);
    CHECK(farm.job(job).text("state") == "open");
  }
  SUBCASE("not when it has closed it") {
    ann.opens(options);
    ann.writes(JobId{1}, {"a"});
    ann.closes(JobId{1});
    ann.leaves();
    farm.passes(5s);
    CHECK(farm.job(JobId{1}).text("state") == "closed");
  }
  SUBCASE("kept, by default") {
    const JobId job = ann.opens({.kind = "echo"});
    ann.leaves();
    farm.passes(5s);
    CHECK(farm.job(job).text("state") == "open");
  }
}

TEST_CASE("ended jobs are remembered up to a number; the oldest that nobody reads go first") {
  Options options = Farm::quick();
  options.kept_jobs = 2;
  Farm farm(options);
  FarmClient& ann = farm.client("ann");
  const auto left = [&] {
    std::vector<std::uint64_t> ids;
    for (const Row& row : ann.asks("jobs")) ids.push_back(row.number("job"));
    return ids;
  };
  SUBCASE("the oldest") {
    for (int i = 0; i < 5; ++i) ann.runs({.kind = "echo"}, {});
    CHECK(left() == std::vector<std::uint64_t>{4, 5});
  }
  SUBCASE("one that is still read stays") {
    FarmWorker& worker = farm.worker({.slots = 2});
    const JobId read = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, {"a", "b"});
    Attach attach;
    attach.job = read;
    attach.limit_tasks = 1;
    ann.attaches(attach);
    worker.finishes({0});
    worker.finishes({1});
    for (int i = 0; i < 4; ++i) ann.runs({.kind = "echo"}, {});
    CHECK(left() == std::vector<std::uint64_t>{1, 5});
    ann.acks(read, 2, 10);
    ann.acks(read, 2, 10);
    ann.runs({.kind = "echo"}, {});
    CHECK(left() == std::vector<std::uint64_t>{5, 6});
  }
}

TEST_CASE("the grace of a writer begins anew each time that it is gone, and a job that was closed meanwhile is kept") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  JobOptions options{.kind = "echo", .key = "k"};
  options.on_writer_gone = WriterGone::cancel;
  const JobId job = ann.opens(options);
  ann.writes(job, {"a"});
  ann.silent = true;
  farm.passes(1s);
  SUBCASE("it came back") {
    ann.silent = false;
    ann.greets();
    ann.opens(options);
    ann.silent = true;
    farm.passes(1s);
    CHECK(farm.job(job).text("state") == "open");
    farm.passes(500ms);
    CHECK(farm.job(job).text("state") == "cancelled");
  }
  SUBCASE("somebody closed it") {
    bob.commands("close", job);
    farm.passes(5s);
    CHECK(farm.job(job).text("state") == "closed");
  }
}

TEST_CASE("results that wait for their writer keep an ended job from being forgotten, until the writer is gone") {
  Options options = Farm::quick();
  options.kept_jobs = 1;
  Farm farm(options);
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  FarmWorker& worker = farm.worker({});
  const JobId unread = ann.runs({.kind = "echo"}, {"a"});
  worker.finishes_all();
  for (int i = 0; i < 3; ++i) bob.runs({.kind = "echo"}, {});
  CHECK(farm.job(unread).number("unread") == 1);
  ann.leaves();
  bob.runs({.kind = "echo"}, {});
  CHECK(farm.asks("jobs").size() == 1);
}

TEST_CASE("with a store, kept results are bounded by forgetting the oldest jobs that have ended") {
  Options options = Farm::quick();
  options.durable = true;
  options.keep_bytes = 1000;
  Farm farm(options);
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const auto run = [&](std::size_t size) {
    ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, {std::string(size, 'x')});
    worker.finishes_all();
  };
  run(600);
  run(300);
  CHECK(farm.asks("jobs").size() == 2);
  run(300);
  const auto rows = farm.asks("jobs");
  REQUIRE(rows.size() == 2);
  CHECK(rows.front().number("job") == 2);
}

}  // namespace
}  // namespace stint::broker
