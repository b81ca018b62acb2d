#include "common/net/subscriber.hpp"

#include <doctest/doctest.h>

#include "common/net/clock.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/wait.hpp"

namespace stint {
namespace {

using Frames = std::vector<std::string>;

// Anybody's publisher, which also sees who subscribes to what.
class Publisher {
 public:
  explicit Publisher(zmq::context_t& context) : socket_(context, zmq::socket_type::xpub) {
    socket_.set(zmq::sockopt::xpub_verbose, true);
    socket_.bind("tcp://127.0.0.1:*");
  }
  std::string endpoint() const { return socket_.get(zmq::sockopt::last_endpoint); }

  std::string hear() {
    REQUIRE(wait({socket_}, now() + 10s));
    zmq::message_t subscription;
    REQUIRE(socket_.recv(subscription, zmq::recv_flags::dontwait));
    const std::string text = subscription.to_string();
    return (text.at(0) == 1 ? "+" : "-") + text.substr(1);
  }

  void publish(const Frames& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      socket_.send(zmq::buffer(frames[i]), i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
  }

 private:
  zmq::socket_t socket_;
};

Frames hear(Subscriber& subscriber) {
  REQUIRE(wait({subscriber.socket()}, now() + 10s));
  const auto frames = subscriber.receive();
  REQUIRE(frames);
  return *frames;
}

TEST_CASE("a subscriber hears what it asked for, whatever the number of frames") {
  zmq::context_t context;
  Publisher publisher(context);
  Subscriber subscriber(context, publisher.endpoint());
  CHECK_FALSE(subscriber.receive());
  subscriber.subscribe("job.7.");
  subscriber.connect();
  CHECK(publisher.hear() == "+job.7.");
  publisher.publish({"job.77.", "not this"});
  publisher.publish({"job.7.", "body"});
  publisher.publish({"job.7.plain"});
  publisher.publish({"job.7.", "a", "b", "c"});
  CHECK(hear(subscriber) == Frames{"job.7.", "body"});
  CHECK(hear(subscriber) == Frames{"job.7.plain"});
  CHECK(hear(subscriber) == Frames{"job.7.", "a", "b", "c"});
}

TEST_CASE("subscriptions change while connected, and come along to a new connection") {
  zmq::context_t context;
  Publisher publisher(context);
  Subscriber subscriber(context, publisher.endpoint());
  subscriber.connect();
  subscriber.subscribe("a.");
  subscriber.subscribe("a.");
  CHECK(publisher.hear() == "+a.");
  SUBCASE("refreshing asks again") {
    subscriber.refresh("a.");
    CHECK(publisher.hear() == "-a.");
    CHECK(publisher.hear() == "+a.");
  }
  SUBCASE("leaving") {
    subscriber.unsubscribe("a.");
    CHECK(publisher.hear() == "-a.");
    CHECK(subscriber.prefixes().empty());
  }
  SUBCASE("connecting again") {
    subscriber.connect();
    const bool left_first = publisher.hear() == "-a.";
    if (left_first) CHECK(publisher.hear() == "+a.");
    publisher.publish({"a.", "again"});
    CHECK(hear(subscriber) == Frames{"a.", "again"});
  }
}

TEST_CASE("a bad address is refused") {
  zmq::context_t context;
  CHECK_THROWS_AS(Subscriber(context, "5556"), EndpointError);
}

}  // namespace
}  // namespace stint
