#include "tests/client/broker_by_hand.hpp"

namespace stint::client {
namespace {

Command pausing(std::string selector) {
  Command command;
  command.verb = "pause";
  command.selector = std::move(selector);
  return command;
}

Query asking(std::string what) {
  Query query;
  query.what = std::move(what);
  return query;
}

void part(BrokerByHand& broker) {
  broker.loses_a_message();
  broker.says(Heartbeat{});
  broker.expect_news<Parted>();
}

}  // namespace

TEST_CASE("what is wanted before the first greeting waits for it") {
  BrokerByHand broker;
  broker.client.open(broker.now, kJob, {.kind = "echo", .key = "k"}, broker.out);
  broker.client.command(broker.now, pausing("3"), broker.out);
  broker.client.query(broker.now, asking("jobs"), broker.out);
  broker.lets_in();
  CHECK(broker.expect<Open>().options.kind == "echo");
  CHECK(broker.expect<Command>().verb == "pause");
  CHECK(broker.expect<Query>().what == "jobs");
}

TEST_CASE("a command without an answer is repeated under its number") {
  BrokerByHand broker;
  broker.lets_in();
  const RequestId request = broker.client.command(broker.now, pausing("3"), broker.out);
  CHECK(broker.expect<Command>().req == request);
  part(broker);
  broker.lets_in();
  CHECK(broker.expect<Command>().req == request);
  broker.says(Done{request, {"3"}});
  const auto replied = broker.expect_news<Replied>();
  CHECK(replied.request == request);
  CHECK(std::get<Done>(replied.answer).affected == std::vector<std::string>{"3"});
  part(broker);
  broker.lets_in();
  CHECK(broker.quiet());
}

TEST_CASE("a refused command says why") {
  BrokerByHand broker;
  broker.lets_in();
  const RequestId request = broker.client.command(broker.now, pausing("x"), broker.out);
  broker.expect<Command>();
  broker.says(Error{1, ErrorCode::unknown_job, false, "there is no job x", 0, request, {}});
  const auto problem = std::get<Problem>(broker.expect_news<Replied>().answer);
  CHECK(problem.code == ErrorCode::unknown_job);
  CHECK(problem.text == "cannot pause: there is no job x");
}

TEST_CASE("one question is under way at a time, and its pages are put together") {
  BrokerByHand broker;
  broker.lets_in();
  const RequestId jobs = broker.client.query(broker.now, asking("jobs"), broker.out);
  const RequestId workers = broker.client.query(broker.now, asking("workers"), broker.out);
  const auto first = broker.expect<Query>();
  CHECK(broker.quiet());
  broker.says(Answer{first.req, {Row{{"job", std::uint64_t{1}}}}, 2});
  const auto second = broker.expect<Query>();
  CHECK(second.cursor == 2);
  broker.says(Answer{second.req, {Row{{"job", std::uint64_t{2}}}}, 0});
  const auto replied = broker.expect_news<Replied>();
  CHECK(replied.request == jobs);
  CHECK(std::get<std::vector<Row>>(replied.answer).size() == 2);
  const auto third = broker.expect<Query>();
  CHECK(third.what == "workers");
  broker.says(Answer{third.req, {}, 0});
  CHECK(broker.expect_news<Replied>().request == workers);
}

TEST_CASE("a broker that lost its memory has no job of ours any more") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.client.read(broker.now, kJob, {}, broker.out);
  broker.expect<Attach>();
  const RequestId request = broker.client.command(broker.now, pausing("7"), broker.out);
  broker.expect<Command>();
  part(broker);
  broker.store = StoreId{100};
  broker.lets_in();
  const auto failed = broker.expect_news<JobFailed>();
  CHECK(failed.problem.kind == Problem::Kind::gone);
  CHECK(failed.problem.text.find("job 7 is gone") == 0);
  CHECK(std::get<Problem>(broker.expect_news<Replied>().answer).kind == Problem::Kind::gone);
  CHECK(value(request) > 0);
  CHECK(broker.quiet());
}

TEST_CASE("silence for three intervals leads to a new connection") {
  BrokerByHand broker;
  broker.lets_in();
  for (int i = 0; i < 4; ++i) broker.turn(2s);
  CHECK(broker.expect_news<Parted>().because.empty());
  broker.lets_in();
  CHECK(broker.client.in_session());
}

TEST_CASE("a goodbye of the broker ends the session, not the job") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.says(Bye{"restart", 500});
  CHECK(broker.expect_news<Parted>().because == " (restart)");
  broker.writes({"meanwhile"});
  broker.expect_news<JobAccepted>();
  broker.turn(300ms);
  CHECK(broker.quiet());
  broker.turn(2s);
  broker.lets_in();
  broker.says(broker.opened(broker.expect<Open>().req));
  broker.expect_submit(0, {"meanwhile"});
}

TEST_CASE("a refused greeting says whether trying again helps") {
  BrokerByHand broker;
  broker.turn();
  broker.expect<Hello>();
  broker.says_outside_any_session(Error{0, ErrorCode::version, false, "this broker speaks version 2", 2, {}, {}});
  const auto away = broker.expect_news<TurnedAway>();
  CHECK(away.for_good);
  CHECK(away.text == "this broker speaks version 2");
}

TEST_CASE("a job cannot be opened twice by one client") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.client.open(broker.now, Handle{2}, {.kind = "echo", .key = "k"}, broker.out);
  CHECK(broker.expect_news<JobFailed>().problem.text.find("open already") != std::string::npos);
}

TEST_CASE("a refused OPEN names the job") {
  BrokerByHand broker;
  broker.lets_in();
  broker.client.open(broker.now, kJob, {.kind = "echo", .key = "k\n"}, broker.out);
  const auto open = broker.expect<Open>();
  broker.says(Error{1, ErrorCode::conflict, false, "other options", 0, open.req, {}});
  const auto failed = broker.expect_news<JobFailed>();
  CHECK(failed.problem.kind == Problem::Kind::conflict);
  CHECK(failed.problem.text == "cannot open the job 'k\\n': other options");
}

TEST_CASE("a forgotten job is dropped when the broker has what was written") {
  BrokerByHand broker;
  broker.lets_in();
  broker.opens_a_job();
  broker.writes({"a"});
  broker.expect<Submit>();
  broker.client.forget(broker.now, kJob, broker.out);
  CHECK(broker.client.jobs() == 1);
  broker.skip_news<JobAccepted>();
  broker.accepts(1, digest_of({"a"}));
  CHECK(broker.client.jobs() == 0);
}

TEST_CASE("a leaving client says goodbye") {
  BrokerByHand broker;
  broker.lets_in();
  broker.client.shut_down(broker.now, broker.out);
  broker.expect<Bye>();
  broker.turn(1h);
  CHECK(broker.quiet());
}

TEST_CASE("a drawn key has 128 bits") { CHECK(draw_key(0x0123456789abcdef, 1) == "0123456789abcdef0000000000000001"); }

TEST_CASE("what concerns a job that is no more is ignored") {
  BrokerByHand broker;
  broker.lets_in();
  const Handle gone{77};
  broker.client.submit(broker.now, gone, batch_of({"a"}), broker.out);
  broker.client.hurry(gone);
  broker.client.close(broker.now, gone, broker.out);
  broker.client.read(broker.now, gone, {}, broker.out);
  broker.client.consumed(broker.now, gone, 3, broker.out);
  broker.client.detach(broker.now, gone, broker.out);
  broker.client.forget(broker.now, gone, broker.out);
  CHECK(broker.client.appetite(gone) == Appetite::none);
  CHECK(broker.client.ack_at(gone) == 0);
  OutcomesBuilder outcomes;
  outcomes.done(0, "r", 5);
  broker.says(JobResults{JobId{99}, 0, 1, "w", outcomes.take()});
  broker.says(JobStatus{JobId{99}, JobState::open, {}, ReaderId{1}, 0, {}});
  broker.says(Accepted{JobId{99}, 0, 10, 1000, 0, false, {}});
  broker.says(Error{1, ErrorCode::gap, true, "send from 0", 0, {}, JobId{99}});
  CHECK(broker.quiet());
}

TEST_CASE("answers to what was never asked, or was answered already, are ignored") {
  BrokerByHand broker;
  broker.lets_in();
  broker.says(Done{RequestId{5}, {"1"}});
  broker.says(Answer{RequestId{5}, {}, 0});
  broker.says(Error{1, ErrorCode::bad_value, false, "no", 0, RequestId{5}, {}});
  CHECK(broker.quiet());
  const RequestId question = broker.client.query(broker.now, asking("jobs"), broker.out);
  broker.expect<Query>();
  broker.says(Answer{RequestId{1'000'000}, {}, 0});
  broker.says(Error{1, ErrorCode::bad_value, false, "no", 0, RequestId{1'000'000}, {}});
  CHECK(broker.quiet());
  broker.says(Error{1, ErrorCode::bad_value, false, "nothing is called jobs", 0, question, {}});
  CHECK(std::get<Problem>(broker.expect_news<Replied>().answer).text == "nothing is called jobs");
}

TEST_CASE("an error without a text is said in the words of its code") {
  BrokerByHand broker;
  broker.lets_in();
  const RequestId request = broker.client.command(broker.now, pausing("x"), broker.out);
  broker.expect<Command>();
  broker.says(Error{1, ErrorCode::unknown_job, false, {}, 0, request, {}});
  const auto problem = std::get<Problem>(broker.expect_news<Replied>().answer);
  CHECK(problem.text == "cannot pause: " + std::string(info(ErrorCode::unknown_job).sentence));
}

TEST_CASE("that the broker shuts down is no failure of a job: its goodbye follows") {
  BrokerByHand broker;
  broker.lets_in();
  broker.client.open(broker.now, kJob, {.kind = "echo", .key = "k"}, broker.out);
  const RequestId request = broker.expect<Open>().req;
  broker.says(Error{1, ErrorCode::shutting_down, true, "the broker is shutting down and opens no job", 0, request, {}});
  CHECK(broker.quiet());
  broker.says(Bye{"the broker is shutting down", 0});
  broker.expect_news<Parted>();
  broker.turn(3s);
  broker.lets_in();
  CHECK(broker.expect<Open>().req == request);
}

}  // namespace stint::client
