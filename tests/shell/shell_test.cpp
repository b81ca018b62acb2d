// The broker as a part of a program, with its peers in the same context.
#include "broker/shell/shell.hpp"

#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <future>
#include <thread>

#include "broker/store/memory_store.hpp"
#include "common/net/clock.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/link.hpp"
#include "common/net/wait.hpp"

namespace stint::broker {
namespace {

ShellOptions inside() {
  ShellOptions options;
  options.listen = "inproc://broker";
  options.events = "inproc://events";
  options.core.store = StoreId{1};
  options.core.heartbeat = 50ms;
  return options;
}

// A broker in a thread of its own.
class Inside {
 public:
  Inside() : ended_(std::async(std::launch::async, [this] { return shell_.run(); })) {}
  ~Inside() { shell_.stop(); }

  void stop() { shell_.stop(); }
  bool ended_in_order() { return ended_.get(); }
  zmq::context_t& context() { return context_; }
  const std::string& listen() const { return shell_.listen(); }

 private:
  zmq::context_t context_;
  MemoryStore store_;
  spdlog::logger logger_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
  Shell shell_{context_, inside(), store_, logger_};
  std::future<bool> ended_;
};

template <class M>
M hear(Link& link) {
  const TimePoint deadline = now() + 30s;
  while (wait({link.socket()}, deadline)) {
    const std::optional<Decoded> decoded = link.receive();
    if (!decoded) continue;
    if (const M* message = std::get_if<M>(&std::get<Envelope>(*decoded).message)) return *message;
  }
  FAIL("heard nothing of that kind");
  return {};
}

Envelope hello(std::uint64_t incarnation) {
  Hello hello;
  hello.incarnation = Incarnation{incarnation};
  hello.hello_no = 1;
  return {SessionId{}, 0, hello};
}

TEST_CASE("a broker inside a program serves, says goodbye and ends when it is stopped") {
  Inside broker;
  CHECK(broker.listen() == "inproc://broker");
  Link link(broker.context(), broker.listen());
  link.connect();
  link.send(hello(1));
  CHECK(hear<Welcome>(link).store == StoreId{1});
  broker.stop();
  hear<Bye>(link);
  CHECK(broker.ended_in_order());
}

TEST_CASE("a broker that nobody talks to ends when it is stopped") {
  Inside broker;
  broker.stop();
  CHECK(broker.ended_in_order());
}

TEST_CASE("an address that is taken is refused, naming what helps") {
  Inside broker;
  MemoryStore store;
  spdlog::logger logger("test");
  CHECK_THROWS_AS(Shell(broker.context(), inside(), store, logger), EndpointError);
}

}  // namespace
}  // namespace stint::broker
