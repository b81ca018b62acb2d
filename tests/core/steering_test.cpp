// COMMAND and QUERY: people steer jobs and workers.
#include "common/model/limits.hpp"
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("a cancelled job is counted at once; what runs is told to stop, and its slot stays taken until it has") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 2});
  const JobId job = ann.opens({.kind = "echo"});
  ann.reads(job);
  ann.writes(job, numbered(5));
  worker.finishes({0});
  CHECK(ann.commands("cancel", job) == Names{"1"});
  CHECK(farm.job(job).number("cancelled") == 4);
  CHECK(farm.job(job).text("state") == "cancelled");
  CHECK(ann.reading[job].ended);
  CHECK(ann.reading[job].status.reason == "cancelled by ann");
  CHECK(farm.events("job.1.", "ended").size() == 1);
  while (worker.has<Recall>()) CHECK(worker.takes<Recall>().mode == RecallMode::stop);
  const JobId next = ann.runs({.kind = "echo"}, {"a"});
  CHECK(farm.job(next).number("running") == 0);
  SUBCASE("it gives the tasks back") { worker.releases({1, 2}); }
  SUBCASE("row 30: it had finished them") { worker.finishes({1, 2}); }
  CHECK(farm.job(job).number("done") == 1);
  CHECK(farm.job(job).number("cancelled") == 4);
  CHECK(farm.job(next).number("running") == 1);
}

TEST_CASE("row 30: a cancel that comes behind the last result changes nothing, and says so") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  worker.finishes_all();
  CHECK(ann.commands("cancel", job).empty());
  const Error error = ann.takes<Error>();
  CHECK(error.code == ErrorCode::not_in_state);
  CHECK(error.text == "job 1 has ended");
  CHECK(farm.job(job).number("done") == 1);
  CHECK(farm.job(job).number("cancelled") == 0);
  CHECK(farm.events("job.1.", "ended").size() == 1);
}

TEST_CASE("a cancelled ordered job hands out what there is, leaving out what is cancelled") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 4});
  JobOptions options{.kind = "echo"};
  options.order = true;
  const JobId job = ann.runs(options, numbered(6));
  ann.reads(job);
  worker.finishes({1});
  worker.finishes({3});
  CHECK(ann.reading[job].results.empty());
  ann.commands("cancel", job);
  CHECK(ann.reading[job].indices() == std::vector<Index>{1, 3});
  CHECK(ann.reading[job].ended);
  while (worker.has<Recall>()) worker.takes<Recall>();
}

TEST_CASE("tasks of a lost worker stay cancelled") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo"}, {"a", "b"});
  ann.commands("cancel", job);
  worker.takes<Recall>();
  worker.dies();
  farm.passes(1s);
  CHECK(farm.job(job).number("cancelled") == 2);
  CHECK(farm.job(job).number("losses") == 0);
}

TEST_CASE("a paused job hands nothing out until it is resumed") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo"}, numbered(3));
  CHECK(ann.commands("pause", job) == Names{"1"});
  CHECK(ann.commands("pause", job).empty());
  CHECK(farm.job(job).text("reason") == "paused by ann: stint resume 1");
  worker.finishes_all();
  CHECK(worker.held.empty());
  CHECK(ann.commands("resume", job) == Names{"1"});
  CHECK(ann.commands("resume", job).empty());
  CHECK(worker.held.size() == 1);
  CHECK(farm.events("job.1.", "paused").size() == 1);
  CHECK(farm.events("job.1.", "resumed").size() == 1);
}

TEST_CASE("why a job was paused is not forgotten when it is closed") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo"});
  ann.writes(job, {"a"});
  ann.commands("pause", job);
  ann.closes(job);
  CHECK(farm.job(job).text("reason") == "paused by ann: stint resume 1");
}

TEST_CASE("anybody may close a job: then nothing more is taken") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  const JobId job = ann.opens({.kind = "echo"});
  ann.writes(job, {"a"});
  CHECK(bob.commands("close", job) == Names{"1"});
  CHECK(ann.accepted[job].closed);
  ann.writes(job, {"b"});
  CHECK(ann.takes_error() == ErrorCode::closed);
}

TEST_CASE("an ended job can be forgotten, one that has not ended cannot") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo", .key = "k"}, {"a"});
  CHECK(ann.commands("forget", job).empty());
  CHECK(ann.takes<Error>().text == "job 1 has not ended: stint cancel 1 first");
  worker.finishes_all();
  CHECK(ann.commands("forget", job) == Names{"1"});
  CHECK(ann.asks("jobs").empty());
  CHECK(ann.opens({.kind = "echo", .key = "k"}) == JobId{2});  // the key is free again
}

TEST_CASE("a job may be forgotten while its cancelled tasks still run") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1", .slots = 2});
  FarmWorker& w2 = farm.worker({.name = "w2"});
  FarmWorker& w3 = farm.worker({.name = "w3"});
  const JobId job = ann.runs({.kind = "echo"}, numbered(4));
  ann.commands("cancel", job);
  ann.commands("forget", job);
  w1.takes<Recall>();
  w2.takes<Recall>();
  w3.takes<Recall>();
  w1.finishes({0});
  w1.releases({1});
  w2.dies();
  w3.leaves();
  farm.passes(1s);
  ann.runs({.kind = "echo"}, numbered(2));
  CHECK(w1.held.size() == 2);
}

TEST_CASE("a reader is told when the job that it reads is forgotten") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo", .results = ResultsPolicy::keep}, {"a", "b"});
  Attach attach;
  attach.job = job;
  attach.limit_tasks = 1;
  bob.attaches(attach);
  worker.finishes_all();
  worker.finishes_all();
  CHECK(bob.reading[job].results.size() == 1);
  ann.commands("forget", job);
  const Error error = bob.takes<Error>();
  CHECK(error.code == ErrorCode::unknown_job);
  CHECK(error.job == job);
}

TEST_CASE("selectors: an id, a key, or a unique name") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  ann.opens({.kind = "echo", .name = "twin", .key = "first"});
  ann.opens({.kind = "echo", .name = "twin", .key = "second"});
  ann.opens({.kind = "echo", .name = "only", .key = "third"});
  CHECK(ann.asks("job", "2").front().number("job") == 2);
  CHECK(ann.asks("job", "first").front().number("job") == 1);
  CHECK(ann.asks("job", "only").front().number("job") == 3);
  CHECK(ann.asks("job", "twin").empty());
  CHECK(ann.takes<Error>().text == "several jobs have the name 'twin': choose one by its id: 1, 2");
  CHECK(ann.asks("job", "no\nne").empty());
  CHECK(ann.takes<Error>().text == "no job has the id, key or name 'no\\nne': see stint jobs");
  CHECK(ann.asks("nonsense").empty());
  CHECK(ann.takes_error() == ErrorCode::bad_value);
}

TEST_CASE("an unknown verb is an error that names those that there are") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo"});
  CHECK(ann.commands("explode", job).empty());
  CHECK(ann.takes<Error>().text.starts_with("no command is called 'explode': there are pause"));
}

Command drain_some(std::uint64_t count) {
  Command drain;
  drain.verb = "drain";
  drain.count = count;
  return drain;
}

TEST_CASE("row 36: a command repeated under its number is answered from memory: two are drained, not four") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  std::vector<FarmWorker*> workers;
  for (const char* name : {"a", "b", "c", "d"}) workers.push_back(&farm.worker({.name = name}));
  Command drain = drain_some(2);
  drain.req = RequestId{100};
  Names first;
  SUBCASE("behind its answer") { first = ann.commands(drain); }
  SUBCASE("before its answer") {
    farm.holds_commits();
    const JobId job = ann.opens({.kind = "echo"});  // something that is not committed
    CHECK(job == JobId{});
    ann.says(drain);
    CHECK(ann.mail.empty());
    ann.says(drain);
    farm.commits();
    first = ann.takes<Done>().affected;
  }
  if (!ann.has<Done>()) {
    ann.greets();
    CHECK(ann.commands(drain) == first);
  } else {
    CHECK(ann.takes<Done>().affected == first);
  }
  CHECK(first == Names{"a", "b"});
  std::size_t drained = 0;
  for (FarmWorker* worker : workers) {
    if (!worker->has<Drain>()) continue;
    worker->takes<Drain>();
    ++drained;
  }
  CHECK(drained == 2);
}

TEST_CASE("workers are drained by name, by kind, by number, or all; the least busy first") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& a = farm.worker({.name = "a", .kinds = {"echo"}, .slots = 2});
  ann.runs({.kind = "echo"}, numbered(2));
  FarmWorker& b = farm.worker({.name = "b", .kinds = {"echo"}});
  FarmWorker& c = farm.worker({.name = "c", .kinds = {"other"}});
  Command drain = drain_some(0);
  SUBCASE("by name") {
    drain.names = {"a", "c"};
    CHECK(ann.commands(drain) == Names{"a", "c"});
  }
  SUBCASE("a name given twice is one worker") {
    drain.names = {"a", "a"};
    CHECK(ann.commands(drain) == Names{"a"});
  }
  SUBCASE("a name that nobody has") {
    drain.names = {"a", "z"};
    CHECK(ann.commands(drain).empty());
    CHECK(ann.takes_error() == ErrorCode::unknown_worker);
    CHECK_FALSE(a.has<Drain>());
  }
  SUBCASE("by kind") {
    drain.kind = "echo";
    CHECK(ann.commands(drain) == Names{"b", "a"});
  }
  SUBCASE("some of a kind") {
    drain.kind = "echo";
    drain.count = 1;
    CHECK(ann.commands(drain) == Names{"b"});
  }
  SUBCASE("all") {
    drain.all = true;
    CHECK(ann.commands(drain).size() == 3);
    CHECK(ann.commands(drain_some(5)).empty());  // they are drained already
  }
  SUBCASE("nothing said") {
    CHECK(ann.commands(drain).empty());
    CHECK(ann.takes_error() == ErrorCode::bad_value);
  }
  for (FarmWorker* worker : {&a, &b, &c}) {
    if (worker->has<Drain>()) worker->takes<Drain>();
  }
}

TEST_CASE("a drained worker takes nothing new, finishes, and stays drained when it greets again") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.name = "w"});
  const JobId job = ann.runs({.kind = "echo"}, numbered(3));
  Command drain = drain_some(1);
  drain.deadline_ms = 500;
  ann.commands(drain);
  CHECK(worker.takes<Drain>().deadline_ms == 500);
  worker.greets();
  CHECK(worker.takes<Drain>().deadline_ms == 500);
  worker.finishes_all();
  CHECK(worker.held.empty());
  CHECK(farm.job(job).number("queued") == 2);
  CHECK(ann.asks("workers").front().text("state") == "draining");
}

TEST_CASE("a long listing comes in parts") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  for (std::uint32_t i = 0; i < limits::kMaxRowsPerAnswer + 10; ++i) ann.opens({.kind = "echo"});
  ann.says(Query{RequestId{1}, "jobs", {}, 0, 0});
  const Answer first = ann.takes<Answer>();
  CHECK(first.rows.size() == limits::kMaxRowsPerAnswer);
  ann.says(Query{RequestId{2}, "jobs", {}, first.next, 0});
  const Answer second = ann.takes<Answer>();
  CHECK(second.rows.size() == 10);
  CHECK(second.next == 0);
}

TEST_CASE("closing a job that is closed affects nobody") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  CHECK(ann.commands("close", job).empty());
  CHECK(ann.mail.empty());
}

TEST_CASE("only an ended job with failed tasks can be tried again") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 3});
  const JobId job = ann.runs({.kind = "echo", .max_attempts = 1}, {"a"});
  CHECK(ann.commands("retry", JobId{9}).empty());
  CHECK(ann.takes_error() == ErrorCode::unknown_job);
  CHECK(ann.commands("retry", job).empty());
  CHECK(ann.takes<Error>().text == "job 1 has not ended: stint wait 1 first");
  worker.finishes_all();
  CHECK(ann.commands("retry", job).empty());
  CHECK(ann.takes<Error>().text == "job 1 has no failed tasks to try again");
}

TEST_CASE("failed tasks of more than one message are all tried again") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 3});
  const std::string large(limits::kBatchBytes / 2, 'x');
  const JobId job = ann.runs({.kind = "echo", .max_attempts = 1}, {"fail1" + large, "fail2" + large, "fail3" + large});
  worker.finishes_all();
  CHECK(farm.job(job).number("dead_letters") == 3);
  CHECK(ann.commands("retry", job) == Names{"2"});
  CHECK(farm.job(JobId{2}).number("total") == 3);
  CHECK(farm.job(JobId{2}).number("parent") == 1);
  CHECK(worker.task(2).payload == "fail3" + large);
}

TEST_CASE("a worker that drains already is not drained again") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.name = "a"});
  Command drain = drain_some(0);
  drain.names = {"a"};
  CHECK(ann.commands(drain) == Names{"a"});
  worker.takes<Drain>();
  CHECK(ann.commands(drain).empty());
  CHECK(worker.mail.empty());
}

TEST_CASE("the newest answers are remembered, and a command older than those is done again") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo"});
  Command first;
  first.req = RequestId{1'000'000};
  first.verb = "pause";
  first.selector = "1";
  CHECK(ann.commands(first) == Names{"1"});
  ann.commands("resume", job);
  CHECK(ann.commands(first) == Names{"1"});
  CHECK(farm.job(job).text("state") == "open");
  for (std::uint32_t i = 0; i < limits::kStoredAnswers; ++i) ann.commands("priority", job);
  CHECK(ann.commands(first) == Names{"1"});
  CHECK(farm.job(job).text("state") == "paused");
}

TEST_CASE("a long listing of workers comes in parts") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  for (const char* name : {"a", "b", "c"}) farm.worker({.name = name});
  ann.says(Query{RequestId{1}, "workers", {}, 0, 2});
  const Answer first = ann.takes<Answer>();
  CHECK(first.rows.size() == 2);
  ann.says(Query{RequestId{2}, "workers", {}, first.next, 2});
  const Answer second = ann.takes<Answer>();
  REQUIRE(second.rows.size() == 1);
  CHECK(second.rows.front().text("worker") == "c");
  CHECK(second.next == 0);
}

}  // namespace
}  // namespace stint::broker
