// The socket that watchers subscribe to: an XPUB, which a SUB socket sees as PUB, and which tells who wants to know
// what.
//
//   Publisher publisher(context, options);
//   while (auto change = publisher.receive()) core.subscribed(turn, change->topic, change->on, out);
//   publisher.publish(event);
//
// Verbose: a second watcher's subscription to a known topic is told too, because it has to be answered with the present
// state. A watcher that reads too slowly misses events; nobody waits for it. Used by one thread.
#pragma once

#include <optional>
#include <string>
#include <zmq.hpp>

#include "broker/shell/options.hpp"
#include "common/model/messages.hpp"

namespace stint::broker {

struct SubscriptionChange {
  std::string topic;
  bool on = false;
};

class Publisher {
 public:
  Publisher(zmq::context_t& context, const ShellOptions& options);  // throws EndpointError

  std::optional<SubscriptionChange> receive();
  void publish(const Event& event);

  const std::string& endpoint() const { return endpoint_; }
  zmq::socket_ref socket() { return socket_; }
  void close();

 private:
  zmq::socket_t socket_;
  std::string endpoint_;
};

}  // namespace stint::broker
