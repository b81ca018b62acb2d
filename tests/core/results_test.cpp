// Results: windows, order, readers, and what is kept.
#include "common/model/limits.hpp"
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

const auto kQuick = [](const HeldTask&) { return Duration(1ms); };

std::vector<Index> ascending(std::size_t count, Index first = 0) {
  std::vector<Index> indices;
  for (std::size_t i = 0; i < count; ++i) indices.push_back(first + i);
  return indices;
}

TEST_CASE("a streaming job without a reader stops within its window, says why, and goes on with the reader's ACK") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 64, .pace = kQuick});
  const JobId job = ann.opens({.kind = "echo"});
  ann.writes(job, std::size_t{100'000});
  ann.closes(job);
  farm.passes(30s);
  CHECK(worker.runs == limits::kResultWindowTasks);
  CHECK(farm.job(job).number("done") == limits::kResultWindowTasks);
  CHECK(farm.job(job).text("reason").starts_with("its reader has not acknowledged enough results"));
  CHECK(farm.events("job.1.", "stalled").size() == 1);
  ann.reads(job, limits::kReaderWindowTasks);
  CHECK(farm.passes_until([&] { return ann.reading[job].ended; }, 60s));
  CHECK(ann.reading[job].results.size() == 100'000);
  CHECK(worker.runs == 100'000);
}

TEST_CASE("row 27: a reader's window bounds what is sent to it, in tasks and in bytes") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  farm.worker({.slots = 100, .pace = kQuick});
  const JobId job = ann.runs({.kind = "echo"}, std::vector<std::string>(100, std::string(1000, 'x')));
  Attach attach;
  attach.job = job;
  SUBCASE("tasks") {
    attach.limit_tasks = 30;
    ann.attaches(attach);
    farm.passes(1s);
    CHECK(ann.reading[job].results.size() == 30);
    ann.acks(job, 30, 31);
    CHECK(ann.reading[job].results.size() == 31);
    ann.acks(job, 31, 1000);
  }
  SUBCASE("bytes: one message more than none may be beyond") {
    attach.limit_bytes = 1;
    ann.attaches(attach);
    farm.passes(1s);
    const std::size_t first = ann.reading[job].results.size();
    CHECK(first > 0);
    CHECK(first <= 100);
    for (int i = 0; i < 200 && !ann.reading[job].ended; ++i) ann.acks(job, ann.reading[job].next, 1000);
  }
  CHECK(ann.reading[job].results.size() == 100);
  CHECK(ann.reading[job].ended);
}

TEST_CASE("results come in the order of ending, or by index when the job is ordered") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1", .slots = 3});
  FarmWorker& w2 = farm.worker({.name = "w2", .slots = 3});
  JobOptions options{.kind = "echo"};
  options.order = true;
  SUBCASE("unordered") { options.order = false; }
  SUBCASE("ordered") {}
  const JobId job = ann.runs(options, numbered(6));
  ann.reads(job);
  w2.finishes({5});
  w1.finishes({1});
  w2.finishes({3});
  if (options.order) CHECK(ann.reading[job].results.empty());
  w1.finishes({0});
  if (options.order) CHECK(ann.reading[job].indices() == std::vector<Index>{0, 1});
  w2.finishes({4});
  w1.finishes({2});
  CHECK(ann.reading[job].ended);
  CHECK(ann.reading[job].indices() == (options.order ? ascending(6) : std::vector<Index>{5, 1, 3, 0, 4, 2}));
}

TEST_CASE(
    "row 35: an ordered job whose first task waits in backoff stalls within its window, then goes on, order exact") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& bad = farm.worker({.name = "bad"});
  JobOptions options{.kind = "echo"};
  options.order = true;
  options.backoff_base = 20s;
  const JobId job = ann.opens(options);
  ann.reads(job, limits::kReaderWindowTasks);
  ann.writes(job, {"first"});
  bad.fails(0);
  bad.leaves();
  FarmWorker& good = farm.worker({.name = "good", .slots = 64, .pace = kQuick});
  ann.writes(job, std::size_t{100'000});
  ann.closes(job);
  farm.passes(9s);
  CHECK(ann.reading[job].results.empty());
  CHECK(good.runs == limits::kResultWindowTasks - 1);
  CHECK(farm.passes_until([&] { return ann.reading[job].ended; }, 60s));
  CHECK(ann.reading[job].indices() == ascending(100'001));
}

TEST_CASE("row 40: a kept job accepts and runs 100,000 tasks that nobody reads, and keeps them for later") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  farm.worker({.slots = 64, .pace = kQuick});
  const JobId job = ann.opens({.kind = "echo", .results = ResultsPolicy::keep});
  ann.writes(job, std::size_t{100'000});
  ann.closes(job);
  CHECK(farm.passes_until([&] { return farm.job(job).text("state") == "ended"; }, 60s));
  CHECK(farm.job(job).number("done") == 100'000);
  ann.leaves();
  FarmClient& bob = farm.client("bob");
  bob.reads(job);
  CHECK(bob.reading[job].results.size() == 100'000);
  CHECK(bob.reading[job].ended);
  bob.reads(job);  // once more: nothing was consumed
  CHECK(bob.reading[job].results.size() == 200'000);
}

TEST_CASE("a kept job may have many readers, some by index, and each may begin where it likes") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  FarmClient& cat = farm.client("cat");
  FarmWorker& worker = farm.worker({.slots = 4});
  const JobId job = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, numbered(4));
  ann.reads(job);
  worker.finishes({2});
  worker.finishes({0, 1});
  bob.reads(job, 0, true);
  CHECK(bob.reading[job].indices() == std::vector<Index>{0, 1, 2});
  Attach attach;
  attach.job = job;
  attach.upto = 2;
  cat.attaches(attach);
  CHECK(cat.reading[job].indices() == std::vector<Index>{1});
  worker.finishes({3});
  CHECK(ann.reading[job].indices() == std::vector<Index>{2, 0, 1, 3});
  CHECK(bob.reading[job].indices() == ascending(4));
  CHECK(cat.reading[job].indices() == std::vector<Index>{1, 3});
  CHECK((ann.reading[job].ended && bob.reading[job].ended && cat.reading[job].ended));
}

TEST_CASE("a streaming job cannot be read by index unless it was opened so") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  ann.reads(job, 0, true);
  CHECK(ann.takes_error() == ErrorCode::bad_value);
}

TEST_CASE("a reader that comes back goes on at its position; nothing is lost or doubled") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  farm.worker({.slots = 10, .pace = kQuick});
  JobOptions options{.kind = "echo"};
  SUBCASE("in the order of ending") {}
  SUBCASE("by index") { options.order = true; }
  const JobId job = ann.runs(options, numbered(10));
  ann.reads(job);
  farm.passes(1s);
  REQUIRE(ann.reading[job].results.size() == 10);
  ann.acks(job, 4, 1000);
  const ReaderId number = ann.reading[job].status.reader;
  CHECK(number == ReaderId{1});
  ann.greets();
  ann.reading.clear();
  Attach attach;
  attach.job = job;
  attach.reader = number;
  attach.upto = 4;
  ann.attaches(attach);
  CHECK(ann.reading[job].results.size() == 6);
  CHECK(ann.reading[job].ended);
}

TEST_CASE("row 38: the newest reader of a streaming job has it; the displaced one is told by whom") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob\n");
  FarmWorker& worker = farm.worker({.slots = 4});
  const JobId job = ann.runs({.kind = "echo"}, numbered(4));
  ann.reads(job);
  worker.finishes({0, 1});
  CHECK(ann.reading[job].results.size() == 2);
  ann.acks(job, 1, 1000);
  bob.reads(job);
  const Error displaced = ann.takes<Error>();
  CHECK(displaced.code == ErrorCode::displaced);
  CHECK(displaced.job == job);
  CHECK(displaced.text == "bob\\n has taken over the results of job 1");
  CHECK(bob.reading[job].indices() == std::vector<Index>{1});  // what was not acknowledged comes again
  worker.finishes_all();
  CHECK(ann.reading[job].results.size() == 2);
  CHECK(bob.reading[job].ended);
  SUBCASE("an ACK of the displaced one consumes nothing") {
    ann.acks(job, 4, 1000);
    CHECK(farm.job(job).number("unread") == 3);
  }
  SUBCASE("coming back under its old number it is displaced still") {
    Attach attach;
    attach.job = job;
    attach.reader = ReaderId{1};
    ann.attaches(attach);
    CHECK(ann.takes_error() == ErrorCode::displaced);
  }
  SUBCASE("asking anew it is the newest") {
    ann.reads(job);
    CHECK(bob.takes_error() == ErrorCode::displaced);
  }
}

TEST_CASE("tasks without a result take no room in the window of one who reads by index") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 10});
  JobOptions options{.kind = "echo", .max_attempts = 1};
  options.results = ResultsPolicy::discard;
  const JobId job = ann.runs(options, numbered(10));
  worker.fails(5);
  worker.fails(9);
  worker.finishes_all();
  Attach attach;
  attach.job = job;
  attach.order = true;
  attach.limit_tasks = 1;
  ann.attaches(attach);
  CHECK(ann.reading[job].indices() == std::vector<Index>{5});
  ann.acks(job, 6, 7);
  CHECK(ann.reading[job].indices() == std::vector<Index>{5, 9});
  CHECK(ann.reading[job].ended);
}

TEST_CASE("row 29: a reader that knows of no position goes on where the last one was, however far that is") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  farm.worker({.slots = 10, .pace = kQuick});
  JobOptions options{.kind = "echo"};
  SUBCASE("in the order of ending") {}
  SUBCASE("by index") { options.order = true; }
  const JobId job = ann.runs(options, numbered(10));
  ann.reads(job);
  farm.passes(1s);
  ann.acks(job, 5, 1000);
  ann.leaves();
  Attach attach;
  attach.job = job;
  attach.limit_tasks = 3;  // its whole window lies below what was consumed
  bob.attaches(attach);
  CHECK(bob.reading[job].results.size() == 3);
  bob.acks(job, 8, 1000);
  CHECK(bob.reading[job].results.size() == 5);
  CHECK(bob.reading[job].ended);
}

TEST_CASE("row 38: a reader of an ended job learns its number before the results, to come back under it") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  FarmWorker& worker = farm.worker({.slots = 4});
  const JobId job = ann.runs({.kind = "echo"}, numbered(4));
  worker.finishes_all();
  Attach attach;
  attach.job = job;
  attach.limit_tasks = 1;
  bob.attaches(attach);
  CHECK(bob.reading[job].results.size() == 1);
  CHECK(bob.reading[job].status.reader == ReaderId{1});
  CHECK_FALSE(bob.reading[job].ended);
}

TEST_CASE("one who wants the changes of state only gets no results and displaces nobody") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  ann.reads(job);
  Attach attach;
  attach.job = job;
  attach.results = false;
  bob.attaches(attach);
  ann.commands("pause", job);
  CHECK(bob.reading[job].status.state == JobState::paused);
  worker.finishes_all();
  CHECK(bob.reading[job].ended);
  CHECK(bob.reading[job].results.empty());
  CHECK(ann.reading[job].results.size() == 1);
}

TEST_CASE("a detached reader hears nothing more") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  ann.reads(job);
  ann.detaches(job);
  worker.finishes_all();
  CHECK(ann.reading[job].results.empty());
  CHECK_FALSE(ann.reading[job].ended);
}

TEST_CASE("of a discarding job only the failures are kept") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 3});
  const JobId job =
      ann.runs({.kind = "echo", .max_attempts = 1, .results = ResultsPolicy::discard}, {"a", "fail", "b"});
  CHECK(worker.jobs[job].discard);
  worker.finishes_all();
  ann.reads(job);
  CHECK(ann.reading[job].indices() == std::vector<Index>{1});
  CHECK(ann.reading[job].status.counts.done == 2);
}

TEST_CASE("kept results are bounded: the job stalls with a reason, and goes on when others are forgotten") {
  Options options = Farm::quick();
  options.keep_bytes = 1000;
  Farm farm(options);
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  JobOptions kept{.kind = "echo", .results = ResultsPolicy::keep};
  SUBCASE("in the order of ending") {}
  SUBCASE("ordered") { kept.order = true; }
  const JobId first = ann.runs(kept, {std::string(1200, 'x')});
  worker.finishes_all();
  const JobId second = ann.runs(kept, {"a"});
  CHECK(worker.held.empty());
  CHECK(farm.job(second).text("reason").starts_with("kept results fill 1000 bytes"));
  CHECK(ann.commands("forget", first) == std::vector<std::string>{"1"});
  CHECK(worker.held.size() == 1);
}

TEST_CASE("results larger than expected hold back fresh tasks by bytes") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo"}, numbered(100));
  const std::string large(limits::kMaxPayloadBytes, 'x');
  std::size_t done = 0;
  for (; done < 100 && !worker.held.empty(); ++done) {
    const HeldTask task = worker.held.front();
    worker.forgets(task.index);
    OutcomesBuilder outcomes;
    outcomes.done(task.index, large, 1'000'000);
    worker.says(LeaseResults{task.lease, outcomes.take()});
  }
  CHECK(done <=
        limits::kResultWindowBytes / limits::kMaxPayloadBytes + 1);  // one more was handed out before the last was told
  ann.reads(job, 1000);
  CHECK(worker.held.size() == 1);
}

// A job of two tasks, whose results are read back from a disk.
struct TwoTasks {
  static Options durable() {
    Options options = Farm::quick();
    options.durable = true;
    return options;
  }

  Farm farm{durable()};
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 2});
  const JobId job = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, {"a", "b"});
};

TEST_CASE("a result that was stored while its reader was told that there is none is not passed over, though the job has ended") {
  TwoTasks it;
  auto& [farm, ann, worker, job] = it;
  worker.finishes({1});
  farm.holds_reads();
  ann.reads(job, 0, true);  // finds that task 1 is the next one there
  worker.finishes({0});
  farm.reads_back();
  CHECK(ann.reading[job].indices() == std::vector<Index>{0, 1});
  CHECK(ann.reading[job].ended);
}

TEST_CASE("row 27: what a reader that came back has acknowledged takes no room, though it is sent once more") {
  TwoTasks it;
  auto& [farm, ann, worker, job] = it;
  worker.finishes({0});
  worker.finishes({1});
  farm.holds_reads();
  Attach attach;
  attach.job = job;
  attach.limit_tasks = 1000;
  attach.limit_bytes = 1;
  ann.attaches(attach);
  ann.acks(job, 1, 1000);  // of what it had before
  farm.reads_back();
  CHECK(ann.reading[job].results.size() == 2);
}

TEST_CASE("of a kept job that goes on all that is there is read by index, a piece after the other") {
  Options options = Farm::quick();
  options.durable = true;
  options.read_ahead_bytes = 1;
  Farm farm(options);
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 4});
  const JobId job = ann.opens({.kind = "echo", .results = ResultsPolicy::keep});
  ann.writes(job, {"a", "b", "c", "d"});
  for (const Index task : {0, 1, 2}) worker.finishes({task});
  farm.holds_reads();
  ann.reads(job, 0, true);
  CHECK(farm.job(job).number("fetching") == 1);
  farm.reads_back();
  CHECK(ann.reading[job].indices() == std::vector<Index>{0, 1, 2});
  CHECK(farm.job(job).number("fetching") == 0);
}

TEST_CASE("an answer to an earlier question tells a reader nothing of what was stored since") {
  Options options = Farm::quick();
  options.durable = true;
  Farm farm(options);
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  FarmWorker& worker = farm.worker({.slots = 3});
  const JobId job = ann.opens({.kind = "echo", .results = ResultsPolicy::keep});
  ann.writes(job, {"a", "b", "c"});
  worker.finishes({2});
  farm.holds_reads();
  ann.reads(job, 0, true);  // both find that task 2 is the next one there
  bob.reads(job, 0, true);
  worker.finishes({0});
  SUBCASE("while the job goes on") {
    farm.reads_back();
    CHECK(ann.reading[job].indices() == std::vector<Index>{0});
    CHECK(bob.reading[job].indices() == std::vector<Index>{0});
    worker.finishes({1});
    ann.closes(job);
  }
  SUBCASE("when the job has ended") {
    worker.finishes({1});
    ann.closes(job);
    farm.reads_back();
  }
  for (FarmClient* reader : {&ann, &bob}) {
    CHECK(reader->reading[job].indices() == std::vector<Index>{0, 1, 2});
    CHECK(reader->reading[job].ended);
  }
}

TEST_CASE("attaching to a job that is not there is an error") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  ann.reads(JobId{5});
  CHECK(ann.takes_error() == ErrorCode::unknown_job);
}

TEST_CASE("a new reader displaces neither watchers nor itself") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  Attach watch;
  watch.job = job;
  watch.results = false;
  bob.attaches(watch);
  ann.reads(job);
  ann.reads(job);
  CHECK(ann.mail.empty());
  CHECK(bob.mail.empty());
  CHECK(farm.job(job).number("readers") == 2);
  worker.finishes_all();
  bob.acks(job, 1, 10);  // of one who only watches: it consumes nothing
  CHECK(farm.job(job).number("unread") == 1);
  CHECK(ann.reading[job].ended);
  CHECK(bob.reading[job].ended);
}

TEST_CASE("row 39: a reader whose number comes from a future that the store does not have is the newest") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  bob.reads(job);
  Attach attach;
  attach.job = job;
  attach.reader = ReaderId{9};
  ann.attaches(attach);
  CHECK(bob.takes_error() == ErrorCode::displaced);
  CHECK(ann.reading[job].status.reader == ReaderId{9});
}

}  // namespace
}  // namespace stint::broker
