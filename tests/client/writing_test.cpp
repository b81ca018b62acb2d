#include "tests/client/broker_by_hand.hpp"

namespace stint::client {

TEST_CASE("a lone task goes out at once; somebody who waits hears at once that it is accepted") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  SUBCASE("nobody waits") {
    broker.writes({"hello"});
    CHECK_FALSE(broker.expect_submit(0, {"hello"}).now);
  }
  SUBCASE("somebody waits") {
    broker.client.hurry(kJob);
    broker.writes({"hello"});
    CHECK(broker.expect_submit(0, {"hello"}).now);
    broker.asks();  // nothing more is sent
  }
  SUBCASE("somebody begins to wait when it has gone out: it goes out once more") {
    broker.writes({"hello"});
    CHECK_FALSE(broker.expect_submit(0, {"hello"}).now);
    broker.client.hurry(kJob);
    broker.asks();
    CHECK(broker.expect_submit(0, {"hello"}).now);
    broker.asks();  // once is enough
  }
  broker.expect_news<JobAccepted>();
  broker.accepts(1, digest_of({"hello"}));
  CHECK(broker.quiet());
}

TEST_CASE("tasks gather while the first few messages are unaccepted") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  CHECK(broker.client.appetite(kJob) == Appetite::anything);
  for (int i = 0; i < 4; ++i) {
    broker.writes({"x"});
    CHECK(broker.expect<Submit>().now == (i >= 2));  // the first of them may hear later, the last let others go
  }
  CHECK(broker.client.appetite(kJob) == Appetite::full_batch);
  SUBCASE("and go on with the first acceptance") {
    broker.skip_news<JobAccepted>();
    broker.accepts(1, digest_of({"x"}));
    CHECK(broker.client.appetite(kJob) == Appetite::anything);
  }
  SUBCASE("unless someone waits for them") {
    broker.client.hurry(kJob);
    CHECK(broker.client.appetite(kJob) == Appetite::anything);
  }
}

TEST_CASE("the window holds tasks back") {
  BrokerByHand broker;
  broker.lets_in();
  broker.window_tasks = 3;
  broker.opens_a_job();
  broker.writes({"a", "b", "c", "d", "e"});
  broker.expect_submit(0, {"a", "b", "c"});
  CHECK(broker.client.appetite(kJob) == Appetite::none);
  broker.skip_news<JobAccepted>();
  broker.accepts(3, digest_of({"a", "b", "c"}));
  broker.expect_submit(3, {"d", "e"});
  CHECK(broker.quiet());
}

TEST_CASE("the window counts bytes too, and admits one task of any size when nothing is under way") {
  BrokerByHand broker;
  broker.lets_in();
  broker.window_bytes = 10;
  broker.opens_a_job();
  broker.writes({"12345", "12345", "123456789012345"});
  broker.expect_submit(0, {"12345", "12345"});
  broker.skip_news<JobAccepted>();
  broker.accepts(2, digest_of({"12345", "12345"}));
  CHECK(broker.expect_submit(2, {"123456789012345"}).now);
}

TEST_CASE("a closed window is said with its reason, and opens with silence") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.says(Accepted{kId, 0, 0, 0, 0, false, "the backlog is full"});
  CHECK(broker.expect_news<JobStalled>().reason == "the backlog is full");
  broker.expect_news<JobAccepted>();
  CHECK(broker.client.appetite(kJob) == Appetite::none);
  broker.says(Accepted{kId, 0, 10, 1000, 0, false, {}});
  CHECK(broker.expect_news<JobStalled>().reason.empty());
  CHECK(broker.client.appetite(kJob) == Appetite::anything);
}

TEST_CASE("after a new greeting the job is opened again, and goes on from where the broker is") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.writes({"a", "b"});
  broker.writes({"c", "d"});
  broker.client.close(broker.now, kJob, broker.out);
  broker.expect_submit(0, {"a", "b"});
  broker.expect_submit(2, {"c", "d"});
  CHECK(broker.expect<Close>().total == 4);
  broker.skip_news<JobAccepted>();

  broker.loses_a_message();
  broker.says(Heartbeat{});
  broker.expect_news<Parted>();
  broker.lets_in();
  const Open again = broker.expect<Open>();
  CHECK(again.options.key == "k");
  SUBCASE("nothing had arrived") {
    broker.says(broker.opened(again.req));
    broker.expect_submit(0, {"a", "b"});
    broker.expect_submit(2, {"c", "d"});
  }
  SUBCASE("a part had arrived") {
    broker.says(broker.opened(again.req, 3, digest_of({"a", "b", "c"})));
    broker.expect_submit(3, {"d"});
  }
  CHECK(broker.expect<Close>().total == 4);
  broker.skip_news<JobAccepted>();
  broker.accepts(4, digest_of({"a", "b", "c", "d"}), true);
  CHECK(broker.quiet());
}

TEST_CASE("a job that is wholly accepted is opened again by its number only: its key might begin another one") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.writes({"a"});
  broker.expect_submit(0, {"a"});
  broker.client.close(broker.now, kJob, broker.out);
  CHECK(broker.expect<Close>().total == 1);
  broker.skip_news<JobAccepted>();
  broker.accepts(1, digest_of({"a"}), true);
  broker.loses_a_message();
  broker.says(Heartbeat{});
  broker.expect_news<Parted>();
  broker.lets_in();
  const Open again = broker.expect<Open>();
  CHECK(again.job == kId);
  SUBCASE("when it has ended and was forgotten, all is well") {
    broker.says(Error{broker.last_number, ErrorCode::unknown_job, false, "there is no job 7 of that key", 0, again.req});
  }
  SUBCASE("when it is as it was, there is nothing to do") {
    Opened opened = broker.opened(again.req, 1, digest_of({"a"}));
    opened.closed = true;
    broker.says(opened);
    CHECK(broker.expect_news<JobAccepted>().next == 1);
  }
  SUBCASE("when only its close was lost, it is closed again") {
    broker.says(broker.opened(again.req, 1, digest_of({"a"})));
    CHECK(broker.expect<Close>().total == 1);
    CHECK(broker.expect_news<JobAccepted>().next == 1);
  }
  SUBCASE("row 39: when tasks were lost, the user is told") {
    broker.says(broker.opened(again.req));
    const JobFailed failed = broker.expect_news<JobFailed>();
    CHECK(failed.problem.code == ErrorCode::conflict);
    CHECK(failed.problem.text.find("put back from a copy") != std::string::npos);
  }
  CHECK(broker.quiet());
}

TEST_CASE("a job continued by its key takes only what is new") {
  BrokerByHand broker;
  broker.lets_in();
  broker.client.open(broker.now, kJob, {.kind = "echo", .key = "k"}, broker.out);
  broker.says(broker.opened(broker.expect<Open>().req, 3, digest_of({"a", "b", "c"})));
  CHECK(broker.expect_news<JobOpened>().resumed == 3);
  broker.writes({"a", "b"});
  SUBCASE("when the input is the same") {
    broker.writes({"c", "d"});
    broker.expect_submit(3, {"d"});
  }
  SUBCASE("and is told of a conflict when it is not") {
    broker.writes({"C", "d"});
    broker.skip_news<JobAccepted>();
    const auto failed = broker.expect_news<JobFailed>();
    CHECK(failed.problem.kind == Problem::Kind::conflict);
    CHECK(failed.problem.text.find("first 3 tasks") != std::string::npos);
  }
  SUBCASE("or when the input is shorter") {
    broker.client.close(broker.now, kJob, broker.out);
    broker.skip_news<JobAccepted>();
    CHECK(broker.expect_news<JobFailed>().problem.kind == Problem::Kind::conflict);
  }
  broker.skip_news<JobAccepted>();
  CHECK(broker.quiet());
}

TEST_CASE("what the broker refuses for its window is sent again after the next acceptance") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.writes({"a"});
  broker.writes({"b"});
  broker.expect_submit(0, {"a"});
  const std::uint32_t first = broker.last_number;
  broker.expect_submit(1, {"b"});
  broker.skip_news<JobAccepted>();
  broker.says(Error{first, ErrorCode::beyond_window, true, "wait", 0, {}, kId});
  broker.says(Error{first + 1, ErrorCode::gap, true, "task 0 is missing", 0, {}, kId});
  CHECK(broker.quiet());
  broker.says(Accepted{kId, 0, 2, 1000, 0, false, {}});
  broker.expect_submit(0, {"a"});
  broker.expect_submit(1, {"b"});
}

TEST_CASE("a broker with an older memory is a conflict, not a hang") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.writes({"a", "b"});
  broker.expect<Submit>();
  broker.skip_news<JobAccepted>();
  broker.accepts(2, digest_of({"a", "b"}));
  broker.loses_a_message();
  broker.says(Heartbeat{});
  broker.expect_news<Parted>();
  broker.lets_in();
  broker.says(broker.opened(broker.expect<Open>().req, 1, digest_of({"a"})));
  CHECK(broker.expect_news<JobFailed>().problem.kind == Problem::Kind::conflict);
}

TEST_CASE("more than the job of that key was closed with is refused, and its key is named as the cause") {
  BrokerByHand broker;
  broker.lets_in();
  broker.client.open(broker.now, kJob, {.kind = "echo", .key = "k"}, broker.out);
  Opened opened = broker.opened(broker.expect<Open>().req, 1, digest_of({"a"}));
  opened.closed = true;
  opened.state = JobState::closed;
  broker.says(opened);
  broker.expect_news<JobOpened>();
  broker.skip_news<JobAccepted>();
  broker.writes({"a"});
  broker.skip_news<JobAccepted>();
  broker.writes({"b"});
  const auto failed = broker.expect_news<JobFailed>();
  CHECK(failed.problem.code == ErrorCode::closed);
  CHECK(failed.problem.text.find("closed with 1 tasks and takes no more: the key belongs to shorter input") != std::string::npos);
}

TEST_CASE("a job that others closed or cancelled takes no more, and is still read") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.client.read(broker.now, kJob, {}, broker.out);
  broker.expect<Attach>();
  broker.says(Accepted{kId, 0, 0, 0, 0, true, {}});
  broker.expect_news<JobAccepted>();
  broker.writes({"late"});
  const auto failed = broker.expect_news<JobFailed>();
  CHECK(failed.problem.scope == Problem::Scope::writing);
  CHECK(failed.problem.code == ErrorCode::closed);
  broker.says(JobStatus{kId, JobState::ended, {}, {}, 0, "cancelled"});
  broker.expect_news<JobReported>();
}

TEST_CASE("nothing written is nothing sent") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.writes({});
  broker.skip_news<JobAccepted>();
  CHECK(broker.quiet());
}

TEST_CASE("a message may be accepted in part, and an older acceptance takes nothing back") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.writes({"a", "b", "c", "d"});
  broker.expect_submit(0, {"a", "b", "c", "d"});
  broker.skip_news<JobAccepted>();
  broker.accepts(3, digest_of({"a", "b", "c"}));
  broker.says(Accepted{kId, 1, 1000, 1'000'000, digest_of({"a"}), false, {}});
  CHECK(broker.expect_news<JobAccepted>().next == 3);
  broker.writes({"e"});
  broker.expect_submit(4, {"e"});
  broker.skip_news<JobAccepted>();
  broker.accepts(5, digest_of({"a", "b", "c", "d", "e"}));
  CHECK(broker.quiet());
}

TEST_CASE("what the broker refuses for good ends the job; that it takes no more ends the writing") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.writes({"a"});
  broker.expect_submit(0, {"a"});
  broker.skip_news<JobAccepted>();
  const auto refusal = [&](ErrorCode code) { return Error{broker.last_number, code, false, "no", 0, {}, kId}; };
  SUBCASE("for good") {
    broker.says(refusal(ErrorCode::too_large));
    CHECK(broker.expect_news<JobFailed>().problem.scope == Problem::Scope::all);
  }
  SUBCASE("closed") {
    broker.says(refusal(ErrorCode::closed));
    CHECK(broker.expect_news<JobFailed>().problem.scope == Problem::Scope::writing);
    broker.says(refusal(ErrorCode::closed));  // again: nobody writes any more
  }
  CHECK(broker.client.appetite(kJob) == Appetite::none);
  CHECK(broker.quiet());
}

}  // namespace stint::client
