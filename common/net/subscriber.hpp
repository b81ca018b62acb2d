// Watches a PUB or XPUB socket, Stint's events or anybody else's: raw frames come out, decode_event() reads those that
// are ours.
//
//   Subscriber events(context, "tcp://127.0.0.1:5556");
//   events.subscribe("job.7.");
//   events.connect();
//   while (std::optional<std::vector<std::string>> frames = events.receive()) ...
//
// The prefixes are remembered, and connect() makes a new socket with all of them. refresh() asks the broker for the
// present state of a prefix again. A watcher that reads too slowly misses messages: ZeroMQ drops them at the sender.
//
// Owned and used by one thread; the context must outlive it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>
#include <zmq.hpp>

namespace stint {

class Subscriber {
 public:
  Subscriber(zmq::context_t& context, std::string endpoint);  // throws EndpointError; connects nothing yet
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  void connect();  // throws EndpointError
  void subscribe(const std::string& prefix);
  void unsubscribe(const std::string& prefix);
  void refresh(const std::string& prefix);

  std::optional<std::vector<std::string>> receive();  // all frames of one message, the topic first. Never waits

  const std::set<std::string>& prefixes() const { return prefixes_; }
  const std::string& endpoint() const { return endpoint_; }
  zmq::socket_ref socket() { return socket_; }  // for wait(); null before connect()

 private:
  zmq::context_t& context_;
  std::string endpoint_;
  std::set<std::string> prefixes_;
  zmq::socket_t socket_;
};

}  // namespace stint
