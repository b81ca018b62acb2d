#include "common/net/link.hpp"

#include <doctest/doctest.h>

#include "common/net/clock.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/message.hpp"
#include "common/net/wait.hpp"

namespace stint {
namespace {

// The broker's side of a line, without a broker.
class Farther {
 public:
  explicit Farther(zmq::context_t& context, const std::string& endpoint = "tcp://127.0.0.1:*")
      : socket_(context, zmq::socket_type::router) {
    set_common_options(socket_, endpoint);
    socket_.set(zmq::sockopt::router_mandatory, true);
    socket_.bind(endpoint);
  }

  std::string endpoint() const { return socket_.get(zmq::sockopt::last_endpoint); }

  Message hear() {
    REQUIRE(wait({socket_}, now() + 10s));
    zmq::message_t address;
    REQUIRE(socket_.recv(address, zmq::recv_flags::dontwait));
    address_ = address.to_string();
    std::optional<Incoming> incoming = receive_message(socket_);
    REQUIRE(incoming);
    const Decoded decoded = std::move(*incoming).decode();
    REQUIRE(std::holds_alternative<Envelope>(decoded));
    return std::get<Envelope>(decoded).message;
  }

  void say(const Message& message) { REQUIRE(send_message(socket_, encode({SessionId{1}, 1, message}), address_)); }
  void say_frames(int count) {
    socket_.send(to_message(address_), zmq::send_flags::sndmore);
    for (; count > 1; --count) socket_.send(zmq::message_t(), zmq::send_flags::sndmore);
    socket_.send(zmq::message_t(), zmq::send_flags::none);
  }

  zmq::socket_t& socket() { return socket_; }

 private:
  zmq::socket_t socket_;
  std::string address_;
};

Decoded hear(Link& link) {
  REQUIRE(wait({link.socket()}, now() + 10s));
  std::optional<Decoded> decoded = link.receive();
  REQUIRE(decoded);
  return *decoded;
}

Submit tasks(std::string payload) {
  Submit submit;
  submit.job = JobId{7};
  BatchBuilder builder;
  builder.add(payload);
  submit.tasks = builder.take();
  return submit;
}

void check_both_ways(Link& link, Farther& farther) {
  link.connect();
  const Submit small = tasks("small");
  const Submit large = tasks(std::string(1'000'000, 'x'));
  link.send({SessionId{1}, 1, small});
  link.send({SessionId{1}, 2, large});
  CHECK(farther.hear() == Message(small));
  CHECK(farther.hear() == Message(large));
  farther.say(HelloAgain{"why not"});
  const Decoded answer = hear(link);
  REQUIRE(std::holds_alternative<Envelope>(answer));
  CHECK(std::get<Envelope>(answer).message == Message(HelloAgain{"why not"}));
  CHECK_FALSE(link.receive());
}

TEST_CASE("messages cross a link both ways") {
  zmq::context_t context;
  SUBCASE("tcp") {
    Farther farther(context);
    Link link(context, farther.endpoint());
    check_both_ways(link, farther);
  }
  SUBCASE("tcp over IPv6") {
    try {
      Farther farther(context, "tcp://[::1]:*");
      Link link(context, farther.endpoint());
      check_both_ways(link, farther);
    } catch (const zmq::error_t& error) {
      MESSAGE("no IPv6 here: ", error.what());
    }
  }
  SUBCASE("inproc") {
    Farther farther(context, "inproc://broker");
    Link link(context, "inproc://broker");
    check_both_ways(link, farther);
  }
}

TEST_CASE("connecting again makes a new line, which works") {
  zmq::context_t context;
  Farther farther(context);
  Link link(context, farther.endpoint());
  check_both_ways(link, farther);
  check_both_ways(link, farther);
}

TEST_CASE("a wrong number of frames is told and harms nothing") {
  zmq::context_t context;
  Farther farther(context, "inproc://broker");
  Link link(context, "inproc://broker");
  link.connect();
  link.send({SessionId{}, 0, Hello{}});
  farther.hear();
  farther.say_frames(9);
  CHECK(std::holds_alternative<DecodeError>(hear(link)));
  farther.say(HelloAgain{});
  CHECK(std::holds_alternative<Envelope>(hear(link)));
}

TEST_CASE("a closed link hears nothing and swallows what is said") {
  zmq::context_t context;
  Link link(context, "inproc://broker");
  CHECK_FALSE(link.is_open());
  link.send({SessionId{}, 0, Hello{}});
  CHECK_FALSE(link.receive());
  CHECK_FALSE(wait({link.socket()}, now()));
}

TEST_CASE("a goodbye leaves although the link is closed at once") {
  zmq::context_t context;
  Farther farther(context);
  Link link(context, farther.endpoint());
  check_both_ways(link, farther);
  link.send({SessionId{1}, 3, Bye{"finished", 0}});
  link.close(5s);
  CHECK(farther.hear() == Message(Bye{"finished", 0}));
}

TEST_CASE("sending needs no broker: it queues") {
  zmq::context_t context;
  std::string endpoint;
  {
    Farther gone(context);
    endpoint = gone.endpoint();
  }
  Link link(context, endpoint);
  link.connect();
  for (int i = 0; i < 10'000; ++i) link.send({SessionId{1}, 1, Heartbeat{}});
  CHECK(link.is_open());
}

TEST_CASE("a bad address is refused when the link is made") {
  zmq::context_t context;
  CHECK_THROWS_AS(Link(context, "localhost:5555"), EndpointError);
}

}  // namespace
}  // namespace stint
