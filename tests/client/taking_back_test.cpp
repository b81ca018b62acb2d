#include "tests/client/broker_by_hand.hpp"

namespace stint::client {
namespace {

Error taken_over(std::uint32_t re_seq = 0) {
  return {re_seq, ErrorCode::not_yours, false, "another client writes to job 7", 0, {}, kId};
}

}  // namespace

TEST_CASE("a job that another one has taken over is taken back, once") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.writes({"a"});
  broker.expect<Submit>();
  const std::uint32_t lost = broker.last_number;
  broker.skip_news<JobAccepted>();

  broker.says(taken_over());
  const Open again = broker.expect<Open>();
  CHECK(again.options.key == "k");
  broker.says(taken_over(lost));  // about what was sent before: no news
  broker.says(broker.opened(again.req));
  broker.expect_submit(0, {"a"});
  broker.skip_news<JobAccepted>();
  SUBCASE("from a dead predecessor, whose message came late") {
    broker.accepts(1, digest_of({"a"}));
    CHECK(broker.quiet());
  }
  SUBCASE("but not from a living one, who takes it back too") {
    broker.says(taken_over());
    const Problem problem = broker.expect_news<JobFailed>().problem;
    CHECK(problem.code == ErrorCode::not_yours);
    CHECK(problem.scope == Problem::Scope::writing);
    CHECK(broker.quiet());
  }
}

TEST_CASE("an OPEN that was overtaken by another one's is repeated, once") {
  BrokerByHand broker;
  broker.lets_in();
  broker.client.open(broker.now, kJob, {.kind = "echo", .key = "k"}, broker.out);
  Error overtaken = taken_over();
  overtaken.req = broker.expect<Open>().req;
  broker.says(taken_over());  // what became of the OPEN is said in its answer
  CHECK(broker.quiet());
  broker.says(overtaken);
  CHECK(broker.expect<Open>().req == overtaken.req);
  SUBCASE("with success") {
    broker.says(broker.opened(overtaken.req));
    CHECK(broker.expect_news<JobOpened>().id == kId);
    broker.expect_news<JobAccepted>();
  }
  SUBCASE("or the other one is alive") {
    broker.says(overtaken);
    CHECK(broker.expect_news<JobFailed>().problem.code == ErrorCode::not_yours);
  }
  CHECK(broker.quiet());
}

TEST_CASE("a job that is wholly accepted is not taken back: there is nothing left to write") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.client.close(broker.now, kJob, broker.out);
  broker.expect<Close>();
  broker.skip_news<JobAccepted>();
  broker.accepts(0, 0, true);
  broker.says(taken_over());
  CHECK(broker.quiet());
}

TEST_CASE("a job that others closed can be compared to its end after a reconnect") {
  BrokerByHand broker;
  broker.lets_in();
  broker.client.open(broker.now, kJob, {.kind = "echo", .key = "k"}, broker.out);
  Opened opened = broker.opened(broker.expect<Open>().req, 2, digest_of({"a", "b"}));
  opened.closed = true;
  broker.says(opened);
  broker.expect_news<JobOpened>();
  broker.expect_news<JobAccepted>();
  broker.loses_a_message();
  broker.says(Heartbeat{});
  broker.expect_news<Parted>();
  broker.lets_in();
  CHECK(broker.client.appetite(kJob) == Appetite::anything);
  broker.writes({"a", "b"});
  CHECK(broker.expect_news<JobAccepted>().next == 2);
}

}  // namespace stint::client
