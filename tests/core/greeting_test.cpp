// HELLO and what a peer's conversation promises: who is let in, who is told to greet again, who is given up.
#include "common/model/limits.hpp"
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

TEST_CASE("a worker greets and is told everything that it must obey") {
  Farm farm;
  FarmWorker& worker = farm.worker({.name = "w1"});
  CHECK(worker.welcomes == 1);
  CHECK(worker.welcome.name == "w1");
  CHECK(worker.welcome.store == StoreId{77});
  CHECK(worker.welcome.heartbeat_ms == 100);
  CHECK(worker.welcome.liveness == 3);
  CHECK(worker.welcome.max_payload_bytes == limits::kMaxPayloadBytes);
  CHECK(worker.welcome.drop.empty());
}

TEST_CASE("a repeated HELLO gets the same answer and changes nothing") {
  Farm farm;
  FarmClient& client = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 2});
  client.runs({.kind = "echo"}, {"a", "b"});
  const Welcome before = worker.welcome;
  const SessionId session = worker.session;
  worker.repeats_hello();  // names no leases, and yet it keeps them
  CHECK(worker.welcomes == 2);
  CHECK(worker.welcome == before);
  CHECK(worker.session == session);
  worker.finishes_all();
  CHECK(farm.job(JobId{1}).number("done") == 2);
}

TEST_CASE("a worker that was unreachable when it was welcomed gets work once it has repeated its HELLO") {
  Farm farm;
  FarmClient& client = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 2});
  farm.is_unreachable(worker);
  client.runs({.kind = "echo"}, {"a", "b"});
  CHECK(worker.held.empty());
  worker.repeats_hello();
  worker.finishes_all();
  CHECK(farm.job(JobId{1}).number("done") == 2);
}

TEST_CASE("a worker that was unreachable when it was drained hears of it once it has repeated its HELLO") {
  Farm farm;
  FarmClient& client = farm.client("ann");
  FarmWorker& worker = farm.worker({});
  farm.is_unreachable(worker);
  Command drain;
  drain.verb = "drain";
  drain.count = 1;
  CHECK(client.commands(drain) == std::vector{worker.name()});
  worker.may_miss = true;
  worker.repeats_hello();
  farm.passes(100ms);
  CHECK(worker.missed);
  worker.greets();
  CHECK(worker.has<Drain>());
  worker.takes<Drain>();
}

TEST_CASE("a new HELLO opens a new session; an older one is not answered") {
  Farm farm;
  FarmClient& client = farm.client("ann");
  const SessionId first = client.session;
  client.greets();
  CHECK(client.welcomes == 2);
  CHECK(client.session != first);
  client.hello.hello_no = 1;
  client.repeats_hello();
  CHECK(client.welcomes == 2);
}

TEST_CASE("a broker's sessions begin where its randomness says, and not where those of the one before did") {
  Farm farm({.random = std::uint64_t{7} << 33});
  CHECK(farm.client("ann").session == SessionId{8});
  CHECK(farm.client("bob").session == SessionId{9});
}

TEST_CASE("names of workers are unique; one without a name gets one") {
  Farm farm;
  CHECK(farm.worker({.name = "w"}).name() == "w");
  CHECK(farm.worker({.name = "w"}).name() == "w-1");
  CHECK(farm.worker({.name = ""}).name() == "worker-2");
  CHECK(farm.client("").name() == "client-3");
}

TEST_CASE("row 8: who is not in session is told to greet, once a turn") {
  Farm farm;
  FarmWorker& worker = farm.worker({});
  worker.moves();
  worker.says(Heartbeat{});
  worker.says(Heartbeat{});
  CHECK(worker.takes<HelloAgain>().reason == "unknown session");
  worker.greets();
  CHECK(worker.welcomes == 2);
}

TEST_CASE("row 8: a gap is answered with HELLO_AGAIN; a duplicate with nothing") {
  Farm farm;
  FarmClient& client = farm.client("ann");
  SUBCASE("a message is missing") {
    client.loses_a_message();
    client.says(Heartbeat{});
    CHECK(client.takes<HelloAgain>().reason == "messages are missing");
  }
  SUBCASE("a message comes twice") {
    Open open{RequestId{1}, {}};
    open.options.kind = "echo";
    open.options.key = "k";
    client.says(open);
    client.says_raw({client.session, client.last_sent(), open});
    CHECK(client.opened.size() == 1);
  }
  SUBCASE("a message of an older session") {
    client.says_raw({SessionId{999}, 1, Heartbeat{}});
    client.takes<HelloAgain>();
  }
}

TEST_CASE("a HELLO that cannot be accepted is refused, saying why") {
  Farm farm;
  SUBCASE("row 7: another version") {
    FarmClient& client = farm.client("ann");
    client.hello.version = 9;
    client.greets();
    const Error error = client.takes<Error>();
    CHECK(error.code == ErrorCode::version);
    CHECK(error.expected == kProtocolMajor);
    CHECK(error.text == "you speak protocol 9, this broker speaks 1");
  }
  SUBCASE("row 16: a worker without a kind") {
    FarmWorker& worker = farm.worker({.kinds = {}});
    CHECK(worker.takes<Error>().text == "a worker must offer at least one kind");
    CHECK(worker.welcomes == 0);
  }
  SUBCASE("row 16: an empty kind") { CHECK(farm.worker({.kinds = {"a", ""}}).takes_error() == ErrorCode::bad_value); }
  SUBCASE("one incarnation in two roles") {
    FarmClient& client = farm.client("ann");
    client.hello.role = Role::worker;
    client.hello.kinds = {"echo"};
    client.greets();
    CHECK(client.takes_error() == ErrorCode::conflict);
  }
}

TEST_CASE("row 16: 2^31 slots are clamped, and a newline in a name stays out of the log") {
  Farm farm;
  FarmWorker& worker = farm.worker({.name = "w\n1", .slots = 1U << 31});
  FarmClient& client = farm.client("ann");
  CHECK(client.asks("workers").front().number("slots") == limits::kMaxSlots);
  CHECK(client.asks("workers").front().text("worker") == "w\n1");
  CHECK(worker.name() == "w\n1");
}

TEST_CASE("each role may say its own messages only") {
  Farm farm;
  FarmWorker& worker = farm.worker({});
  FarmClient& client = farm.client("ann");
  worker.says(Close{JobId{1}, 0});
  CHECK(worker.takes_error() == ErrorCode::wrong_role);
  client.says(ResultsAck{1});
  const Error error = client.takes<Error>();
  CHECK(error.code == ErrorCode::wrong_role);
  CHECK(error.re_seq == client.last_sent());
  client.says(Heartbeat{});  // the rejected message has used up its number
}

TEST_CASE("a peer is given up when it was silent for three heartbeats, and not before") {
  Farm farm;
  farm.subscribes("worker.");
  FarmWorker& worker = farm.worker({.name = "w1"});
  worker.silent = true;
  farm.passes(290ms);
  CHECK(farm.broker.peers() == 1);
  farm.passes(40ms);
  CHECK(farm.broker.peers() == 0);
  CHECK(farm.events("worker.w1.", "joined").size() == 1);
  CHECK(farm.events("worker.w1.", "lost").size() == 1);
}

TEST_CASE("any traffic is a sign of life, and both sides beat") {
  Farm farm;
  farm.worker({});
  farm.client("ann");
  farm.passes(10s);
  CHECK(farm.broker.peers() == 2);
}

TEST_CASE("silence counts up to the moment at which the socket was drained, and no further") {
  Farm farm;
  farm.worker({}).silent = true;
  Outbox out;
  for (int i = 0; i < 50; ++i) farm.broker.tick(farm.now + 20ms * i, out);  // never drained
  CHECK(farm.broker.peers() == 1);
}

TEST_CASE("a broker that stood still blames nobody") {
  Farm farm;
  farm.subscribes("worker.");
  FarmClient& client = farm.client("ann");
  FarmWorker& w1 = farm.worker({.name = "w1"});
  const JobId job = client.runs({.kind = "echo"}, numbered(10));
  farm.broker_sleeps(60s);
  farm.broker_sleeps(60s);
  CHECK(farm.broker.peers() == 2);
  CHECK(farm.events("worker.w1.", "lost").empty());
  while (!w1.held.empty()) w1.finishes_all();
  CHECK(farm.job(job).number("done") == 10);
  CHECK(w1.runs == 10);
}

TEST_CASE("a peer that says BYE is forgotten at once") {
  Farm farm;
  farm.subscribes("worker.");
  FarmWorker& worker = farm.worker({.name = "w1"});
  worker.leaves("enough");
  CHECK(farm.broker.peers() == 0);
  REQUIRE(farm.events("worker.w1.", "left").size() == 1);
  CHECK(farm.events("worker.w1.", "left").front().fields.text("reason") == "enough");
}

TEST_CASE("a worker changes what it offers") {
  Farm farm;
  FarmClient& client = farm.client("ann");
  FarmWorker& worker = farm.worker({.kinds = {"a"}});
  const JobId job = client.runs({.kind = "b"}, numbered(2));
  CHECK(worker.held.empty());
  worker.changes({"b"}, 2);
  CHECK(worker.held.size() == 2);
  worker.says(State{{}, 1, false});
  CHECK(worker.takes_error() == ErrorCode::bad_value);
  worker.finishes_all();
  CHECK(farm.job(job).text("state") == "ended");
}

TEST_CASE("row 26: a thousand workers come back in one second, and none expires by mistake") {
  Farm farm;
  for (int i = 0; i < 1000; ++i) farm.worker({.name = "w" + std::to_string(i)});
  CHECK(farm.broker.peers() == 1000);
  CHECK(farm.workers().back()->welcome.heartbeat_ms == 1000);
  farm.passes(5s);
  CHECK(farm.broker.peers() == 1000);
}

TEST_CASE("the interval of heartbeats follows the number of peers, for those who came before too") {
  Farm farm;
  FarmWorker& first = farm.worker({.name = "first"});
  CHECK(first.welcome.heartbeat_ms == 100);
  std::vector<FarmWorker*> crowd;
  for (int i = 1; i < 300; ++i) crowd.push_back(&farm.worker({.name = "w" + std::to_string(i)}));
  farm.passes(300ms);
  CHECK(first.welcome.heartbeat_ms == 300);
  crowd.back()->silent = true;
  farm.passes(800ms);
  CHECK(farm.broker.peers() == 300);
  farm.passes(200ms);
  CHECK(farm.broker.peers() == 299);
  crowd.pop_back();
  for (FarmWorker* worker : crowd) worker->leaves();
  farm.passes(400ms);
  CHECK(first.welcome.heartbeat_ms == 100);
  first.silent = true;
  farm.passes(180ms);
  CHECK(farm.broker.peers() == 1);
  farm.passes(800ms);  // the reminder of the longer interval stands
  CHECK(farm.broker.peers() == 0);
}

TEST_CASE("shutting down says goodbye to everyone, and lets nobody in") {
  Farm farm;
  FarmWorker& worker = farm.worker({});
  FarmClient& client = farm.client("ann");
  Outbox out;
  farm.broker.shut_down(farm.now, out);
  const auto actions = out.take();
  REQUIRE(actions.size() == 3);
  CHECK(std::holds_alternative<Bye>(std::get<Send>(actions[0]).envelope.message));
  CHECK(std::holds_alternative<Finished>(actions.back()));
  FarmClient& late = farm.client("late");
  CHECK(late.takes_error() == ErrorCode::shutting_down);
  CHECK(late.welcomes == 0);
  CHECK(worker.mail.empty());
  CHECK(client.mail.empty());
}

TEST_CASE("a message that cannot be read is refused, and uses up its number within its session") {
  Farm farm;
  FarmClient& client = farm.client("ann");
  SUBCASE("in order: the session goes on behind it") {
    client.says_what_cannot_be_read();
    const Error error = client.takes<Error>();
    CHECK(error.code == ErrorCode::malformed);
    CHECK(error.re_seq == client.last_sent());
    CHECK(client.opens({.kind = "echo"}) == JobId{1});
  }
  SUBCASE("twice: once is enough") {
    client.says(Heartbeat{});
    client.says_what_cannot_be_read(client.session, client.last_sent());
    CHECK(client.mail.empty());
  }
  SUBCASE("behind a gap") {
    client.loses_a_message();
    client.says_what_cannot_be_read();
    CHECK(client.takes<HelloAgain>().reason == "messages are missing");
  }
  SUBCASE("of another session") {
    client.says_what_cannot_be_read(SessionId{999}, 1);
    CHECK(client.takes<HelloAgain>().reason == "unknown session");
  }
  SUBCASE("outside any session") {
    client.says_what_cannot_be_read(SessionId{}, 0);
    CHECK(client.takes_error() == ErrorCode::malformed);
  }
}

TEST_CASE("a HELLO without a number, or with more tasks than anybody may hold, is refused") {
  Farm farm;
  FarmWorker& worker = farm.worker({});
  SUBCASE("no number") {
    worker.hello.hello_no = 0;
    worker.repeats_hello();
    CHECK(worker.takes<Error>().text == "hello_no counts from 1");
  }
  SUBCASE("more tasks") {
    ++worker.hello.hello_no;
    for (std::uint32_t tasks = 0; tasks <= limits::kMaxHeldTasks; tasks += limits::kMaxBatchTasks) {
      worker.hello.held.push_back({LeaseId{tasks + 1}, JobId{1}, {Run{0, limits::kMaxBatchTasks}}});
    }
    worker.repeats_hello();
    CHECK(worker.takes_error() == ErrorCode::limit);
  }
  CHECK(worker.welcomes == 1);
}

TEST_CASE("who greets from an address has it; whoever had it before is said nothing more") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmClient& bob = farm.client("bob");
  bob.address = ann.address;
  bob.greets();
  CHECK(bob.welcomes == 2);
  CHECK(bob.opens({.kind = "echo"}) == JobId{1});
  ann.says(Heartbeat{});
  CHECK(ann.takes<HelloAgain>().reason == "unknown session");
}

TEST_CASE("a worker that drains by itself need not say its kinds again, and gets nothing new") {
  Farm farm;
  FarmClient& client = farm.client("ann");
  FarmWorker& worker = farm.worker({.slots = 2});
  worker.says(State{{}, 2, true});
  client.runs({.kind = "echo"}, {"a"});
  CHECK(worker.held.empty());
  worker.hello.draining = true;
  worker.greets();
  CHECK(worker.held.empty());
  worker.says(State{{"echo"}, 2, false});
  CHECK(worker.held.size() == 1);
}

}  // namespace
}  // namespace stint::broker
