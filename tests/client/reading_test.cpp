#include "common/model/limits.hpp"
#include "tests/client/broker_by_hand.hpp"

namespace stint::client {
namespace {

JobResults results_of(std::uint64_t position, std::uint32_t count, std::size_t size = 1) {
  OutcomesBuilder builder;
  for (std::uint32_t i = 0; i < count; ++i) builder.done(position + i, std::string(size, 'r'), 5);
  return {kId, position, 1, "w", builder.take()};
}

struct Reading_ : BrokerByHand {
  Reading_() {
    lets_in();
    opens_a_job();
    client.read(now, kJob, {}, out);
    const auto attach = expect<Attach>();
    CHECK(attach.upto == 0);
    CHECK(attach.limit_tasks == limits::kReaderWindowTasks);
    says(JobStatus{kId, JobState::open, {}, ReaderId{3}, 0, {}});
    expect_news<JobReported>();
  }

  void consumes(std::uint64_t upto) { client.consumed(now, kJob, upto, out); }

  void comes_back() {
    loses_a_message();
    says(Heartbeat{});
    expect_news<Parted>();
    lets_in();
    says(opened(expect<Open>().req));
    expect_news<JobAccepted>();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Reading_, "one task after the other needs no acceptance while their results come") {
  for (std::uint64_t i = 0; i < 20; ++i) {
    writes({"x"});
    CHECK_FALSE(expect<Submit>().now);
    CHECK(client.appetite(kJob) == Appetite::anything);
    says(results_of(i, 1));
    skip_news<JobAccepted>();
    expect_news<ResultsArrived>();
  }
}

TEST_CASE_FIXTURE(Reading_, "results are acknowledged soon after they were consumed, not each one") {
  says(results_of(0, 10));
  CHECK(expect_news<ResultsArrived>().results.outcomes.count() == 10);
  consumes(4);
  CHECK(quiet());
  turn(limits::kAckDelay);
  const auto ack = expect<Ack>();
  CHECK(ack.upto == 4);
  CHECK(ack.limit_tasks == 4 + limits::kReaderWindowTasks);
  consumes(10);
  turn(limits::kAckSpacing);
  CHECK(expect<Ack>().upto == 10);
  turn(1s);
  CHECK(quiet());
}

TEST_CASE_FIXTURE(Reading_, "half a window is acknowledged at once") {
  SUBCASE("in results") {
    says(results_of(0, limits::kReaderWindowTasks / 2 + 10));
    expect_news<ResultsArrived>();
    CHECK(client.ack_at(kJob) == limits::kReaderWindowTasks / 2);
    consumes(limits::kReaderWindowTasks / 2 - 1);
    CHECK(quiet());
    consumes(limits::kReaderWindowTasks / 2);
    CHECK(expect<Ack>().upto == limits::kReaderWindowTasks / 2);
  }
  SUBCASE("in bytes") {
    says(results_of(0, 1, limits::kReaderWindowBytes / 2));
    says(results_of(1, 1));
    expect_news<ResultsArrived>();
    expect_news<ResultsArrived>();
    CHECK(client.ack_at(kJob) == 1);
    consumes(1);
    CHECK(expect<Ack>().upto == 1);
  }
}

TEST_CASE_FIXTURE(Reading_, "after a new greeting reading goes on where it was") {
  says(results_of(0, 10));
  expect_news<ResultsArrived>();
  consumes(6);
  comes_back();
  const auto attach = expect<Attach>();
  CHECK(attach.upto == 6);
  CHECK(attach.reader == ReaderId{3});
  says(results_of(6, 8));
  const auto arrived = expect_news<ResultsArrived>();
  CHECK(arrived.results.position == 10);
  CHECK(arrived.results.outcomes.indices.run() == Run{10, 4});
}

TEST_CASE_FIXTURE(Reading_, "the end is told once, and the last acknowledgement follows at once") {
  says(results_of(0, 2));
  expect_news<ResultsArrived>();
  says(JobStatus{kId, JobState::ended, {0, 0, 0, 2, 0, 0}, ReaderId{3}, 2, {}});
  CHECK(expect_news<JobReported>().status.counts.done == 2);
  consumes(2);
  CHECK(expect<Ack>().upto == 2);
  says(JobStatus{kId, JobState::ended, {0, 0, 0, 2, 0, 0}, ReaderId{3}, 2, {}});
  CHECK(quiet());
}

TEST_CASE_FIXTURE(Reading_, "the last acknowledgement is repeated until the broker is known to have it") {
  const auto ends = [&] { says(JobStatus{kId, JobState::ended, {0, 0, 0, 2, 0, 0}, ReaderId{3}, 2, {}}); };
  says(results_of(0, 2));
  expect_news<ResultsArrived>();
  ends();
  expect_news<JobReported>();
  consumes(2);
  expect<Ack>();
  comes_back();
  CHECK(expect<Attach>().upto == 2);
  ends();
  comes_back();
  CHECK(quiet());
}

TEST_CASE_FIXTURE(Reading_, "a reader is displaced as long as it has not consumed everything, also when the job has ended") {
  says(results_of(0, 2));
  expect_news<ResultsArrived>();
  says(JobStatus{kId, JobState::ended, {0, 0, 0, 2, 0, 0}, ReaderId{3}, 2, {}});
  expect_news<JobReported>();
  const auto displaced = Error{0, ErrorCode::displaced, false, "pia reads now", 0, {}, kId};
  SUBCASE("it has") {
    consumes(2);
    expect<Ack>();
    says(displaced);
    CHECK(quiet());
  }
  SUBCASE("it has not") {
    consumes(1);
    says(displaced);
    CHECK(expect_news<JobFailed>().problem.kind == Problem::Kind::displaced);
  }
}

TEST_CASE_FIXTURE(Reading_, "a displaced reader is told by whom, and does not come back") {
  says(Error{0, ErrorCode::displaced, false, "pia reads now", 0, {}, kId});
  const auto failed = expect_news<JobFailed>();
  CHECK(failed.problem.kind == Problem::Kind::displaced);
  CHECK(failed.problem.scope == Problem::Scope::reading);
  CHECK(failed.problem.text == "job 7: pia reads now");
  comes_back();
  CHECK(quiet());
}

TEST_CASE_FIXTURE(Reading_, "detaching acknowledges what was consumed, and ends it") {
  says(results_of(0, 3));
  expect_news<ResultsArrived>();
  consumes(2);
  client.detach(now, kJob, out);
  CHECK(expect<Ack>().upto == 2);
  expect<Detach>();
  says(results_of(3, 3));
  CHECK(quiet());
}

TEST_CASE("results by index skip what is missing") {
  BrokerByHand broker;
  broker.lets_in();
  broker.client.attach(kJob, kId);
  broker.client.read(broker.now, kJob, {true, true, 5}, broker.out);
  const auto attach = broker.expect<Attach>();
  CHECK(attach.order);
  CHECK(attach.upto == 5);
  broker.says(results_of(8, 2));
  CHECK(broker.expect_news<ResultsArrived>().results.position == 8);
  broker.client.consumed(broker.now, kJob, 10, broker.out);
  broker.turn();
  CHECK(broker.expect<Ack>().upto == 10);
}

TEST_CASE("a watcher that becomes a reader does not take the watcher's end for its own") {
  BrokerByHand broker;
  broker.lets_in();
  broker.client.attach(kJob, kId);
  broker.client.read(broker.now, kJob, {.results = false}, broker.out);
  CHECK_FALSE(broker.expect<Attach>().results);
  broker.client.read(broker.now, kJob, {}, broker.out);
  const auto attach = broker.expect<Attach>();
  CHECK(attach.results);
  broker.says(JobStatus{kId, JobState::ended, {}, {}, 1, {}});
  CHECK(broker.quiet());
  JobResults results = results_of(0, 1);
  results.reading = attach.reading;
  broker.says(results);
  broker.expect_news<ResultsArrived>();
  broker.says(JobStatus{kId, JobState::ended, {}, {}, 1, {}, attach.reading});
  broker.expect_news<JobReported>();
}

TEST_CASE("a job that is read anew does not take for its first results those that were under way to the reading before") {
  constexpr Handle kAgain{2};
  BrokerByHand broker;
  broker.lets_in();
  broker.client.attach(kJob, kId);
  broker.client.read(broker.now, kJob, {}, broker.out);
  broker.expect<Attach>();
  broker.says(results_of(0, 3));
  broker.expect_news<ResultsArrived>();
  broker.client.forget(broker.now, kJob, broker.out);
  broker.expect<Detach>();
  broker.client.attach(kAgain, kId);
  broker.client.read(broker.now, kAgain, {}, broker.out);
  const auto attach = broker.expect<Attach>();
  CHECK(attach.upto == 0);
  broker.says(results_of(3, 3));
  broker.says(JobStatus{kId, JobState::ended, {}, {}, 6, {}});
  CHECK(broker.quiet());
  JobResults results = results_of(0, 6);
  results.reading = attach.reading;
  broker.says(results);
  CHECK(broker.expect_news<ResultsArrived>().results.position == 0);
  broker.loses_a_message();
  broker.says(Heartbeat{});
  broker.expect_news<Parted>();
  broker.lets_in();
  CHECK(broker.expect<Attach>().reading == attach.reading);
}

TEST_CASE_FIXTURE(Reading_, "reading what is read already asks for nothing") {
  client.read(now, kJob, {}, out);
  client.read(now, kJob, {.results = false}, out);
  CHECK(quiet());
}

TEST_CASE("an ordered job is read by index without saying so again") {
  BrokerByHand broker;
  broker.lets_in();
  JobOptions options{.kind = "echo", .key = "k"};
  options.order = true;
  broker.opens_a_job(options);
  broker.client.read(broker.now, kJob, {}, broker.out);
  CHECK(broker.expect<Attach>().order);
}

TEST_CASE_FIXTURE(Reading_, "a refused ATTACH ends the reading and not the writing; behind the end it ends nothing") {
  const auto refused = Error{last_number, ErrorCode::bad_value, false, "not by index", 0, {}, kId};
  SUBCASE("while it reads") {
    says(refused);
    const auto failed = expect_news<JobFailed>();
    CHECK(failed.problem.scope == Problem::Scope::reading);
    CHECK(failed.problem.text == "job 7: not by index");
    writes({"a"});
    expect_submit(0, {"a"});
    skip_news<JobAccepted>();
  }
  SUBCASE("when it has stopped reading") {
    client.detach(now, kJob, out);
    expect<Detach>();
    says(refused);
  }
  SUBCASE("when it has read everything") {
    says(JobStatus{kId, JobState::ended, {}, ReaderId{3}, 0, {}});
    expect_news<JobReported>();
    says(refused);
  }
  CHECK(quiet());
}

}  // namespace stint::client
