// What is told, when, and to whom: events, subscriptions, and nothing before its commit. (Farm checks with every event
// that numbers rise, counts add up and never go back, and that nothing follows an end.)
#include "broker/core/events.hpp"

#include "common/model/limits.hpp"
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

std::vector<std::string> names(const std::vector<Event>& events) {
  std::vector<std::string> all;
  for (const Event& event : events) all.push_back(event.event);
  return all;
}

TEST_CASE("a job's start and end are told exactly once, and its counts are exact in every event") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  farm.worker({.slots = 3, .pace = [](const HeldTask&) { return Duration(7ms); }});
  farm.worker({.slots = 2, .pace = [](const HeldTask&) { return Duration(11ms); }});
  std::vector<std::string> tasks = numbered(200);
  tasks[5] = "fail";
  tasks[6] = "fail";
  const JobId job = ann.runs({.kind = "echo", .backoff_base = 10ms}, tasks);
  farm.passes(10s);
  CHECK(farm.job(job).text("state") == "ended");
  for (const char* once : {"opened", "started", "ended"}) CHECK(farm.events("job.1.", once).size() == 1);
  const Event end = farm.events("job.1.", "ended").front();
  CHECK(end.fields.number("done") == 198);
  CHECK(end.fields.number("failed") == 2);
  CHECK(end.fields.number("left") == 0);
  CHECK(end.fields.text("outcome") == "failed");
  CHECK(farm.job(job).text("outcome") == "failed");
  CHECK(end.store == StoreId{77});
  const auto all = names(farm.events("job.1."));
  CHECK(all.front() == "opened");
  CHECK(all.back() == "ended");
}

TEST_CASE("progress is coalesced, the start and the end are not") {
  Options options = Farm::quick();
  options.progress_interval = 50ms;
  Farm farm(options);
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  farm.worker({.pace = [](const HeldTask&) { return Duration(1ms); }});
  ann.runs({.kind = "echo"}, numbered(1000));
  farm.passes(5s);
  const std::size_t steps = farm.events("job.1.", "progress").size();
  CHECK(steps >= 15);
  CHECK(steps <= 25);
}

TEST_CASE("ends are told together with their digest") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& w = farm.worker({.slots = 2});
  const JobId job = ann.opens({.kind = "echo", .max_attempts = 1});
  ann.writes(job, {"a", "fail", "c"});
  farm.passes(1s);
  const std::string none = farm.job(job).text("outcomes_digest");
  w.finishes({0, 1});
  const std::string digest = farm.job(job).text("outcomes_digest");
  CHECK(digest != none);
  farm.passes(1s);
  for (const Event& event : farm.events(job_topic(job))) {
    const bool any = event.fields.number("done") + event.fields.number("failed") > 0;
    CHECK(event.fields.number("done") == event.fields.number("failed"));
    CHECK(event.fields.text("outcomes_digest") == (any ? digest : none));
  }
}

TEST_CASE("a watcher that comes late has the present state at once, under the last number") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.name = "w.1"});
  ann.runs({.kind = "echo"}, numbered(3));
  worker.finishes_all();
  SUBCASE("one job") {
    farm.subscribes("job.1.");
    const auto states = farm.events("job.1.", "state");
    REQUIRE(states.size() == 1);
    CHECK(states.front().fields.number("done") == 1);
    CHECK(states.front().seq > 0);
    worker.finishes_all();
    farm.passes(1s);
    REQUIRE(!farm.events("job.1.", "progress").empty());
    CHECK(farm.events("job.1.", "progress").front().seq == states.front().seq + 1);
  }
  SUBCASE("everything") {
    farm.subscribes("");
    CHECK(farm.events("job.1.", "state").size() == 1);
    CHECK(farm.events("worker.w%2E1.", "state").size() == 1);
    CHECK(farm.events("broker.", "state").size() == 1);
  }
  SUBCASE("job.1. is not job.10.") {
    for (int i = 0; i < 9; ++i) ann.opens({.kind = "echo"});
    farm.subscribes("job.1.");
    CHECK(farm.events("job.10.").empty());
  }
  SUBCASE("a job or a worker that nobody knows") {
    farm.subscribes("job.7.");
    farm.subscribes("worker.nobody.");
    CHECK(names(farm.events("job.7.")) == std::vector<std::string>{"unknown"});
    CHECK(names(farm.events("worker.nobody.")) == std::vector<std::string>{"unknown"});
  }
}

TEST_CASE("many watchers that come in one turn cost one state event for each topic") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  ann.opens({.kind = "echo"});
  Outbox out;
  for (int i = 0; i < 100; ++i) farm.broker.subscribed(farm.now, "job.", true, out);
  CHECK(out.empty());
  farm.broker.tick(farm.now, out);
  std::size_t states = 0;
  for (const Action& action : out.take()) states += std::holds_alternative<Publish>(action) ? 1 : 0;
  CHECK(states == 1);
}

TEST_CASE("nothing is published while nobody subscribes") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.name = "w"});
  farm.subscribes("job.");
  farm.unsubscribes("job.");
  const std::size_t before = farm.events("job.1.").size();
  ann.runs({.kind = "echo"}, {"a"});
  worker.finishes_all();
  farm.passes(5s);
  CHECK(farm.events("job.1.").size() == before);
  CHECK(farm.events("worker.w.").empty());
  CHECK(farm.events("broker.").empty());
}

TEST_CASE("each step of the tasks is told to those who ask for it") {
  Farm farm;
  farm.subscribes("task.1.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.name = "w", .slots = 2});
  ann.runs({.kind = "echo", .max_attempts = 2, .backoff_base = 10ms}, {"a", "b"});
  worker.says(Progress{worker.task(1).lease, 1, 0.5, "half"});
  worker.says(Progress{LeaseId{99}, 1, 0.5, "of a lease that never was"});
  worker.finishes({0});
  worker.fails(1);
  farm.passes(100ms);
  worker.finishes_all();
  CHECK(names(farm.events("task.1.")) ==
        std::vector<std::string>{"handed_out", "task_progress", "done", "retry", "handed_out", "done"});
  CHECK(farm.events("task.1.", "handed_out").front().fields.text("tasks") == "0-1");
  CHECK(farm.events("task.1.", "task_progress").front().fields.text("text") == "half");
}

TEST_CASE("the broker beats") {
  Farm farm;
  farm.subscribes("broker.");
  farm.worker({.slots = 3});
  farm.passes(1s);
  CHECK(farm.events("broker.", "beat").size() >= 9);
  CHECK(farm.events("broker.", "beat").back().fields.number("slots") == 3);
}

TEST_CASE("nothing is told before its commit") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  farm.holds_commits();
  SUBCASE("a job is open") {
    CHECK(ann.opens({.kind = "echo"}) == JobId{});
    CHECK(farm.events("job.1.").empty());
    CHECK(ann.asks("jobs").empty());
    ann.says(Query{RequestId{100}, "job", "1", 0, 0});
    CHECK(!ann.has<Answer>());
    farm.commits();
    CHECK(ann.takes<Answer>().rows.size() == 1);
    CHECK(ann.opened.size() == 1);
    CHECK(farm.events("job.1.", "opened").size() == 1);
  }
  farm.commits();
  const JobId job = ann.opens({.kind = "echo"});
  ann.reads(job);
  const std::string topic = job_topic(job);
  CHECK(farm.job(job).number("total") == 0);
  SUBCASE("a task is accepted, and then handed out") {
    farm.holds_commits();
    ann.writes(job, {"a"});
    CHECK(ann.accepted[job].next == 0);
    CHECK(worker.held.empty());
    CHECK(farm.job(job).number("total") == 0);
    farm.commits();
    CHECK(ann.accepted[job].next == 1);
    CHECK(worker.held.size() == 1);
    CHECK(farm.job(job).number("total") == 1);
  }
  SUBCASE("a task has ended") {
    ann.writes(job, {"a"});
    farm.holds_commits();
    worker.finishes_all();
    CHECK(worker.acked == 0);
    CHECK(ann.reading[job].results.empty());
    CHECK(farm.job(job).number("done") == 0);
    ann.closes(job);
    CHECK(farm.events(topic, "ended").empty());
    farm.commits();
    farm.passes(limits::kResultsAckDelay);
    CHECK(worker.acked > 0);
    CHECK(ann.reading[job].results.size() == 1);
    CHECK(ann.reading[job].ended);
    CHECK(farm.events(topic, "ended").size() == 1);
  }
  SUBCASE("a command is done") {
    farm.holds_commits();
    CHECK(ann.commands("cancel", job).empty());
    CHECK_FALSE(ann.has<Done>());
    CHECK_FALSE(ann.reading[job].ended);
    CHECK(ann.commands("forget", job).empty());  // its end is not told yet
    CHECK(ann.takes_error() == ErrorCode::not_in_state);
    farm.commits();
    CHECK(ann.takes<Done>().affected.size() == 1);
    CHECK(ann.reading[job].ended);
  }
}

TEST_CASE("commits may come late and together; everything is told in the order in which it was decided") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 50});
  const JobId job = ann.opens({.kind = "echo"});
  ann.reads(job);
  for (int round = 0; round < 10; ++round) {
    farm.holds_commits();
    ann.writes(job, numbered(7));
    worker.finishes_all();
    ann.writes(job, numbered(3));
    if (round == 9) ann.closes(job);
    farm.commits();
  }
  worker.finishes_all();
  CHECK(ann.reading[job].ended);
  CHECK(ann.reading[job].results.size() == 100);
  CHECK(farm.events(job_topic(job), "ended").size() == 1);
}

// --- issue 3, point 4: what the npm package stream-queue gets wrong ---

TEST_CASE("stream-queue: a lost worker's task is done again") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  w1.dies();
  FarmWorker& w2 = farm.worker({.name = "w2"});
  farm.passes(1s);
  w2.finishes_all();
  CHECK(farm.job(job).number("done") == 1);
}

TEST_CASE("stream-queue: heartbeats are judged without any message arriving") {
  Farm farm;
  farm.worker({}).silent = true;
  farm.passes(1s);
  CHECK(farm.broker.peers() == 0);
}

TEST_CASE("stream-queue: a doubled or unasked `done` never makes done exceed total") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  const JobId job = ann.runs({.kind = "echo"}, {"a"});
  const LeaseId lease = worker.task(0).lease;
  for (int i = 0; i < 5; ++i) {
    worker.claims(lease, 0);
    worker.claims(lease, 1);
    worker.claims(LeaseId{1}, 0);
  }
  CHECK(farm.job(job).number("done") == 1);
  CHECK(farm.job(job).number("total") == 1);
}

TEST_CASE("stream-queue: the end is told once, a second job is not ignored, an empty job ends") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  ann.runs({.kind = "echo"}, {"a"});
  ann.runs({.kind = "echo"}, {"b"});
  ann.runs({.kind = "echo"}, {});
  worker.finishes_all();
  worker.finishes_all();
  farm.passes(5s);
  for (const char* topic : {"job.1.", "job.2.", "job.3."}) CHECK(farm.events(topic, "ended").size() == 1);
}

// --- the table itself ---

TEST_CASE("topics end in a dot, and names are escaped in them") {
  CHECK(job_topic(JobId{7}) == "job.7.");
  CHECK(step_topic(JobId{7}) == "task.7.");
  CHECK(worker_topic("a-B_9") == "worker.a-B_9.");
  CHECK(worker_topic("a.b c\n") == "worker.a%2Eb%20c%0A.");
  CHECK(job_of_topic("job.7.") == JobId{7});
  for (const char* other : {"job.7", "job.07.", "job..", "task.7.", "job.7.x", "job.x.", ""})
    CHECK(job_of_topic(other) == JobId{});
}

TEST_CASE("numbers of a topic go on while nobody listens") {
  Events events(StoreId{1}, 1);
  Outbox out;
  events.publish(out, "job.1.", "progress", {});
  CHECK(out.empty());
  events.subscribe("job.");
  events.publish(out, "job.1.", "progress", {});
  events.state(out, "job.1.", "state", {});
  events.unsubscribe("job.");
  events.pass_over("job.1.");
  events.subscribe("job.1.");
  events.publish(out, "job.1.", "progress", {});
  std::vector<std::uint64_t> numbers;
  for (const Action& action : out.take()) numbers.push_back(std::get<Publish>(action).event.seq);
  CHECK(numbers == std::vector<std::uint64_t>{2, 2, 4});
}

TEST_CASE("subscriptions beyond their limit are not heard, and nobody minds the end of one that never was") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  for (std::uint32_t i = 0; i < limits::kMaxSubscriptions; ++i) farm.subscribes("nothing." + std::to_string(i) + ".");
  farm.subscribes("job.");
  farm.unsubscribes("never.");
  ann.opens({.kind = "echo"});
  CHECK(farm.events("job.1.").empty());
  farm.unsubscribes("nothing.0.");
  farm.subscribes("job.");
  CHECK(farm.events("job.1.", "state").size() == 1);
}

TEST_CASE("the tasks of a step are listed as far as a text goes") {
  Farm farm;
  farm.subscribes("task.1.");
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 4000});
  ann.runs({.kind = "echo"}, numbered(4000));
  std::vector<Index> even;
  for (Index index = 0; index < 4000; index += 2) even.push_back(index);
  worker.finishes(even);
  std::uint64_t count = 0;
  std::size_t cut = 0;
  for (const Event& done : farm.events("task.1.", "done")) {
    const std::string tasks(done.fields.text("tasks"));
    CHECK(tasks.size() <= limits::kMaxTextBytes);
    if (tasks.ends_with(",...")) ++cut;
    count += done.fields.number("count");
  }
  CHECK(count == 2000);
  CHECK(cut > 0);
}

}  // namespace
}  // namespace stint::broker
