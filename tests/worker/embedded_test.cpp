// A Worker inside another program: over inproc, in the caller's ZeroMQ context, without signal handlers. The broker is
// a ROUTER that says by hand what a broker would.
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>
#include <zmq.hpp>

#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "common/net/message.hpp"
#include "common/net/wait.hpp"
#include "common/wire/codec.hpp"
#include "stint/worker.hpp"

namespace stint::worker {
namespace {

constexpr Duration kDeadline = 20s;  // for what has to happen anyway

class HandMadeBroker {
 public:
  explicit HandMadeBroker(zmq::context_t& context) : socket_(context, zmq::socket_type::router) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.bind("inproc://broker");
  }

  // The next message of this type; others are passed over.
  template <class Body>
  Body expect() {
    while (true) {
      REQUIRE(wait({zmq::socket_ref(socket_)}, now() + kDeadline));
      zmq::message_t address;
      REQUIRE(socket_.recv(address));
      peer_ = address.to_string();
      std::optional<Incoming> incoming = receive_message(socket_);
      REQUIRE(incoming);
      const Decoded decoded = std::move(*incoming).decode();
      REQUIRE(std::holds_alternative<Envelope>(decoded));
      const auto& envelope = std::get<Envelope>(decoded);
      last_seq = envelope.seq;
      if (const auto* body = std::get_if<Body>(&envelope.message)) return *body;
    }
  }

  void welcome(const Hello& hello) {
    Welcome welcome;
    welcome.hello_no = hello.hello_no;
    welcome.store = StoreId{1};
    welcome.epoch = 1;
    welcome.name = "embedded";
    welcome.heartbeat_ms = 2000;
    welcome.liveness = 3;
    welcome.max_payload_bytes = limits::kMaxPayloadBytes;
    welcome.batch_bytes = limits::kBatchBytes;
    welcome.unacked_bytes = limits::kWorkerUnackedBytes;
    send({SessionId{5}, 0, welcome});
  }
  void say(Message message) { send({SessionId{5}, ++seq_, std::move(message)}); }
  void give(std::uint64_t lease, const std::vector<std::string>& payloads) {
    BatchBuilder batch;
    for (const std::string& payload : payloads) batch.add(payload);
    Tasks tasks;
    tasks.lease = LeaseId{lease};
    tasks.job = JobId{7};
    tasks.indices = Indices(Run{0, payloads.size()});
    tasks.tasks = batch.take();
    say(tasks);
  }

  std::uint32_t last_seq = 0;

 private:
  void send(const Envelope& envelope) { REQUIRE(send_message(socket_, encode(envelope), peer_)); }

  zmq::socket_t socket_;
  std::string peer_;
  std::uint32_t seq_ = 0;
};

JobInfo a_job(const std::string& kind) {
  JobInfo info;
  info.job = JobId{7};
  info.kind = kind;
  info.name = "books";
  info.context = "in english";
  return info;
}

TEST_CASE("a worker embedded in another program joins, works, changes and leaves") {
  zmq::context_t context(1);
  HandMadeBroker broker(context);
  std::vector<std::string> lines;
  WorkerOptions options{.broker = "inproc://broker", .name = "embedded", .slots = 2, .handle_signals = false};
  options.log = [&](std::string_view line) { lines.emplace_back(line); };
  options.zmq_context = &context;
  Worker worker(options);
  worker.on("about", [](Task& task) {
    return std::string(task.kind()) + "/" + std::string(task.job_name()) + "/" + std::string(task.context()) + "/" +
           std::to_string(value(task.token())) + "/" + std::string(task.payload());
  });
  int code = -1;
  std::thread thread([&] { code = worker.run(); });

  const auto hello = broker.expect<Hello>();
  CHECK(hello.kinds == std::vector<std::string>{"about"});
  CHECK(hello.slots == 2);
  broker.welcome(hello);
  broker.say(a_job("about"));
  broker.give(3, {"one"});
  const auto results = broker.expect<LeaseResults>();
  CHECK(results.outcomes.blob.view() == "about/books/in english/3/one");
  broker.say(ResultsAck{broker.last_seq});

  worker.set_slots(5);
  CHECK(broker.expect<State>().slots == 5);
  worker.on("other", [](Task&) {});
  CHECK(broker.expect<State>().kinds == std::vector<std::string>{"about", "other"});
  worker.off("about");
  CHECK(broker.expect<State>().kinds == std::vector<std::string>{"other"});

  worker.drain();
  CHECK(broker.expect<State>().draining);
  broker.expect<Bye>();
  thread.join();
  CHECK(code == 0);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "joined inproc://broker as embedded: 2 slots, kinds about");
  CHECK(lines[2] == "left: asked to by its program");
}

TEST_CASE("what makes no sense is said, and ends run()") {
  std::vector<std::string> lines;
  WorkerOptions options{.broker = "localhost:5555", .handle_signals = false};
  options.log = [&](std::string_view line) { lines.emplace_back(line); };
  Worker worker(options);
  SUBCASE("no kind") {
    CHECK(worker.run() == 2);
    CHECK(lines.at(0).find("call on() before run()") != std::string::npos);
  }
  SUBCASE("an address that is none") {
    worker.on("k", [](Task&) {});
    CHECK(worker.run() == 2);
    CHECK(lines.at(0).find("localhost:5555") != std::string::npos);
  }
  SUBCASE("a kind that is none") {
    CHECK_THROWS_AS(worker.on("", [](Task&) {}), std::invalid_argument);
  }
}

TEST_CASE("--try runs one task without a broker") {
  std::vector<std::string> lines;
  WorkerOptions options;
  options.log = [&](std::string_view line) { lines.emplace_back(line); };
  options.try_payload = "to be or not";
  std::string seen;
  const auto look = [&](Task& task) {
    seen = task.payload();
    task.progress(0.5, "half way");
    if (task.stop_token().stop_requested()) task.fail("nobody asked it to stop");
  };
  SUBCASE("with the first handler") {
    Worker worker(options);
    worker.on("z", look);
    worker.on("a", [](Task& task) { task.fail("the wrong one"); });
    CHECK(worker.run() == 0);
    CHECK(seen == "to be or not");
  }
  SUBCASE("with another one") {
    options.try_kind = "a";
    Worker worker(options);
    worker.on("z", look);
    worker.on("a", [](Task& task) { task.fail("as asked"); });
    CHECK(worker.run() == 1);
  }
  SUBCASE("with one that there is not") {
    options.try_kind = "b";
    Worker worker(options);
    worker.on("z", look);
    CHECK(worker.run() == 2);
    CHECK(lines.at(0).find("no handler for kind 'b'") != std::string::npos);
  }
}

}  // namespace
}  // namespace stint::worker
