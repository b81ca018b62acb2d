// OPEN, SUBMIT and CLOSE: what is accepted, in which order, and what is refused.
#include "common/model/digest.hpp"
#include "common/model/limits.hpp"
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

std::uint32_t digest_of(const std::vector<std::string>& tasks) {
  Digest digest;
  for (const std::string& task : tasks) digest.add(task);
  return digest.value();
}

TEST_CASE("a job is opened, written and closed; each step is told") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo", .name = "render"});
  CHECK(job == JobId{1});
  CHECK(ann.opened[job].next == 0);
  CHECK(ann.opened[job].limit_tasks == limits::kStreamBacklogTasks);
  ann.writes(job, {"a", "bb"});
  CHECK(ann.accepted[job].next == 2);
  CHECK(ann.accepted[job].digest == digest_of({"a", "bb"}));
  CHECK_FALSE(ann.accepted[job].closed);
  ann.closes(job);
  CHECK(ann.accepted[job].closed);
  const Row row = farm.job(job);
  CHECK(row.number("total") == 2);
  CHECK(row.number("queued") == 2);
  CHECK(row.text("state") == "closed");
}

TEST_CASE("acceptance comes at once when it is waited for, else soon") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo"});
  ann.submits(job, 0, {"a"}, false);
  CHECK(ann.acceptances == 0);
  farm.passes(limits::kAcceptDelay);
  CHECK(ann.accepted[job].next == 1);
  SUBCASE("also behind a batch that was known already") {
    ann.submits(job, 0, {"a"}, false);
    farm.passes(limits::kAcceptDelay);
    ann.submits(job, 1, {"b"}, false);
    farm.passes(limits::kAcceptDelay);
    CHECK(ann.accepted[job].next == 2);
  }
}

TEST_CASE("row 9: known tasks are ignored, in any state; the rest is an error that says what was expected") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo"});
  ann.submits(job, 0, {"a", "b"}, true);
  SUBCASE("a batch again") {
    ann.submits(job, 0, {"a", "b"}, true);
    CHECK(ann.accepted[job].next == 2);
    CHECK(ann.acceptances == 2);
  }
  SUBCASE("an overlapping batch") {
    ann.submits(job, 1, {"b", "c"}, true);
    CHECK(ann.accepted[job].next == 3);
    CHECK(ann.accepted[job].digest == digest_of({"a", "b", "c"}));
  }
  SUBCASE("a batch with a gap") {
    ann.submits(job, 3, {"d"}, true);
    const Error error = ann.takes<Error>();
    CHECK(error.code == ErrorCode::gap);
    CHECK(error.expected == 2);
    CHECK(error.job == job);
    CHECK(farm.job(job).number("total") == 2);
  }
  SUBCASE("a batch again after CLOSE, and a new one") {
    ann.says(Close{job, 2});
    ann.submits(job, 0, {"a", "b"}, true);
    CHECK(ann.accepted[job].next == 2);
    ann.submits(job, 1, {"b", "c"}, true);
    const Error error = ann.takes<Error>();
    CHECK(error.code == ErrorCode::closed);
    CHECK(error.expected == 2);
    ann.says(Close{job, 2});  // again
    CHECK(ann.accepted[job].closed);
  }
  SUBCASE("a CLOSE that knows of more tasks, or of fewer") {
    ann.says(Close{job, 3});
    CHECK(ann.takes_error() == ErrorCode::gap);
    ann.says(Close{job, 1});
    CHECK(ann.takes_error() == ErrorCode::bad_value);
  }
  SUBCASE("an unknown job") {
    ann.submits(JobId{9}, 0, {"a"});
    const Error error = ann.takes<Error>();
    CHECK(error.code == ErrorCode::unknown_job);
    CHECK(error.text == "there is no job 9");
  }
  SUBCASE("another client's job") {
    FarmClient& bob = farm.client("bob");
    bob.submits(job, 2, {"c"});
    CHECK(bob.takes_error() == ErrorCode::not_yours);
    bob.says(Close{job, 2});
    CHECK(bob.takes_error() == ErrorCode::not_yours);
  }
}

TEST_CASE("a job is continued under its key") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo", .key = "k"});
  ann.writes(job, {"a", "b"});
  FarmClient& bob = farm.client("bob");
  CHECK(bob.opens({.kind = "echo", .key = "k"}) == job);
  CHECK(ann.takes_error() == ErrorCode::not_yours);  // told at once: she may be waiting for an ACCEPTED
  CHECK(bob.opened[job].next == 2);
  CHECK(bob.opened[job].bytes == 2);
  CHECK(bob.opened[job].digest == digest_of({"a", "b"}));
  bob.writes(job, {"c"});
  CHECK(bob.accepted[job].next == 3);
  ann.submits(job, 3, {"d"});  // bob is the writer now
  CHECK(ann.takes_error() == ErrorCode::not_yours);
}

TEST_CASE("a job that is named by its number is continued, and no other is begun") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo", .key = "k"});
  const JobId other = ann.opens({.kind = "echo", .key = "other"});
  ann.writes(job, {"a"});
  ann.says(Open{RequestId{7}, {.kind = "echo", .key = "k"}, job});
  CHECK(ann.opened[job].next == 1);
  ann.says(Open{RequestId{8}, {.kind = "echo", .key = "k"}, other});
  CHECK(ann.takes_error() == ErrorCode::unknown_job);
  ann.says(Open{RequestId{9}, {.kind = "echo", .key = "forgotten"}, other});
  const Error error = ann.takes<Error>();
  CHECK(error.code == ErrorCode::unknown_job);
  CHECK(error.req == RequestId{9});
}

TEST_CASE("row 10: the same key with other options is a conflict, and the first stands") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo", .key = "k"});
  ann.writes(job, {"a"});
  JobOptions other{.kind = "echo", .key = "k"};
  other.max_attempts = 7;
  CHECK(ann.opens(other) == JobId{});
  const Error error = ann.takes<Error>();
  CHECK(error.code == ErrorCode::conflict);
  CHECK(error.req == RequestId{2});
  CHECK(farm.job(job).number("max_attempts") == 3);
  CHECK(farm.job(job).number("total") == 1);
}

TEST_CASE("options that make no sense are refused") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  JobOptions options{.kind = "echo"};
  SUBCASE("no kind") { options.kind = ""; }
  SUBCASE("no attempts") { options.max_attempts = 0; }
  SUBCASE("no losses") { options.max_losses = 0; }
  CHECK(ann.opens(options) == JobId{});
  CHECK(ann.takes_error() == ErrorCode::bad_value);
  CHECK(ann.asks("jobs").empty());
}

TEST_CASE("row 34: an empty job ends at once") {
  Farm farm;
  farm.subscribes("job.");
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo"});
  ann.reads(job);
  ann.closes(job);
  CHECK(ann.reading[job].ended);
  CHECK(farm.events("job.1.", "ended").size() == 1);
  CHECK(farm.events("job.1.", "ended").front().fields.text("outcome") == "done");
  CHECK(farm.events("job.1.", "ended").front().fields.number("total") == 0);
}

TEST_CASE("row 28: a streaming job's submit window moves with dispatch") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo"});
  ann.writes(job, std::size_t{limits::kStreamBacklogTasks});
  CHECK(ann.accepted[job].next == limits::kStreamBacklogTasks);
  CHECK(ann.accepted[job].limit_tasks == limits::kStreamBacklogTasks);
  ann.writes(job, {"one more"});
  const Error error = ann.takes<Error>();
  CHECK(error.code == ErrorCode::beyond_window);
  CHECK(error.retryable);
  CHECK(error.expected == limits::kStreamBacklogTasks);
  ann.written[job] = limits::kStreamBacklogTasks;
  const std::size_t told = ann.acceptances;
  farm.worker({.slots = limits::kMaxSlots, .pace = [](const HeldTask&) { return 1ms; }});
  ann.reads(job, limits::kReaderWindowTasks);
  farm.passes_until([&] { return ann.acceptances > told; });
  CHECK(ann.accepted[job].limit_tasks >= limits::kStreamBacklogTasks + limits::kSubmitWindowTasks / 4);
  ann.writes(job, {"one more"});
  CHECK(ann.mail.empty());
}

TEST_CASE("a window is counted in bytes too, and an empty one admits a task of any size") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo"});
  const std::string large(limits::kMaxPayloadBytes, 'x');
  ann.writes(job, {large});
  ann.writes(job, {large});
  const std::size_t told = ann.acceptances;
  ann.writes(job,
             {"1"});  // nothing is unaccepted, so the broker takes it; but it says so only when there is room again
  CHECK(ann.mail.empty());
  CHECK(ann.acceptances == told);
  ann.writes(job, {"2", "3"});
  CHECK(ann.takes_error() == ErrorCode::beyond_window);
  FarmWorker& worker = farm.worker({});
  REQUIRE(worker.held.size() == 1);
  CHECK(ann.accepted[job].next == 3);
  CHECK(ann.accepted[job].limit_bytes >= 3 * limits::kMaxPayloadBytes);
}

TEST_CASE("row 28: a full backlog closes the windows of those who filled it with a reason, and opens them when there is room") {
  Options options = Farm::quick();
  options.backlog_bytes = limits::kBacklogShareBytes;
  Farm farm(options);
  FarmClient& ann = farm.client("ann");
  const JobId first = ann.opens({.kind = "echo"});
  ann.writes(first, {std::string(limits::kBacklogShareBytes, 'x')});
  CHECK(ann.accepted[first].reason.starts_with("the broker's backlog is full (262144 bytes)"));
  CHECK(ann.accepted[first].limit_tasks == limits::kStreamBacklogTasks);  // what was promised stays promised
  const JobId second = ann.opens({.kind = "echo"});
  CHECK(ann.opened[second].limit_tasks == limits::kBacklogShareTasks);
  ann.writes(second, limits::kBacklogShareTasks);
  CHECK(ann.accepted[second].next == limits::kBacklogShareTasks);
  CHECK(ann.accepted[second].reason.starts_with("the broker's backlog is full"));
  farm.worker({});
  farm.passes(1ms);
  CHECK(ann.accepted[first].reason.empty());
  CHECK(ann.accepted[second].limit_tasks >= limits::kStreamBacklogTasks);
}

TEST_CASE("row 22: of a job whose opening is not committed, its writer hears nothing, not even that the disk is full") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  farm.holds_commits();
  ann.opens({.kind = "echo"});
  farm.fills_disk("the disk is full: make room");
  CHECK(ann.acceptances == 0);
  farm.commits();
  REQUIRE(ann.opened.size() == 1);
  CHECK(ann.accepted[ann.opened.begin()->first].reason == "the disk is full: make room");
}

TEST_CASE("row 22: who was sent away because the disk is full learns that nothing may be sent, and when there is room") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo", .key = "k"});
  ann.writes(job, {"a"});
  farm.fills_disk("the disk is full: make room");
  ann.writes(job, {"b"});
  ann.takes<HelloAgain>();
  ann.greets();
  REQUIRE(ann.opens({.kind = "echo", .key = "k"}) == job);
  CHECK(ann.opened[job].next == 1);
  CHECK(ann.opened[job].limit_tasks == 1);
  CHECK(ann.accepted[job].limit_tasks == 1);
  CHECK(ann.accepted[job].reason == "the disk is full: make room");
  farm.fills_disk("");
  CHECK(ann.accepted[job].limit_tasks > 1);
  CHECK(ann.accepted[job].reason.empty());
  ann.writes(job, {"b"});
  CHECK(farm.job(job).number("total") == 2);
}

TEST_CASE("a window never moves back, not even by an OPEN that is repeated when the backlog is full") {
  Options options = Farm::quick();
  options.backlog_bytes = limits::kBacklogShareBytes;
  Farm farm(options);
  FarmClient& ann = farm.client("ann");
  const JobId job = ann.opens({.kind = "echo", .key = "k"});
  const std::uint64_t promised = ann.opened[job].limit_tasks;
  ann.writes(job, {std::string(limits::kBacklogShareBytes, 'x')});
  REQUIRE_FALSE(ann.accepted[job].reason.empty());
  REQUIRE(ann.opens({.kind = "echo", .key = "k"}) == job);
  CHECK(ann.opened[job].limit_tasks == promised);
  ann.writes(job, {"what was sent before that was heard"});
  CHECK(ann.accepted[job].next == 2);
}

TEST_CASE("a writer that waits for room is told when its job is cancelled") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  const JobId job = ann.opens({.kind = "echo"});
  ann.writes(job, {"a"});
  bob.commands("cancel", job);
  CHECK(ann.accepted[job].closed);
}

}  // namespace
}  // namespace stint::broker
