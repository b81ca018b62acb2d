// The socket that all workers and clients connect to: a ROUTER whose return addresses are PeerIds.
//
//   Router router(context, options);
//   while (auto mail = router.receive()) ...            // never waits
//   if (!router.send(to, envelope)) core.unreachable(turn, to, out);
//
// libzmq makes up an address for each connection: a zero byte and 32 bits, which are the PeerId. A peer that brings its
// own (ZMQ_ROUTING_ID) is not served: two peers with one address would black-hole one of them for ever.
//
// Sending never waits and has no limit of its own: all that the broker says is covered by a window or by one
// outstanding request. A successful send proves nothing; the protocol's acknowledgements do. Used by one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "broker/shell/options.hpp"
#include "common/net/message.hpp"
#include "stint/ids.hpp"

namespace stint::broker {

// A message as it came in, undecoded.
struct Mail {
  std::string address;         // the routing id
  std::optional<PeerId> peer;  // what it stands for; nothing if the peer brought its own
  Incoming incoming;

  std::uint64_t bytes() const { return incoming.head.size() + incoming.blob.size(); }
};

class Router {
 public:
  Router(zmq::context_t& context, const ShellOptions& options);  // throws EndpointError

  std::optional<Mail> receive();
  bool send(PeerId to, const Envelope& envelope) { return send(address_of(to), envelope); }
  bool send(std::string_view address, const Envelope& envelope);  // false: nobody is there any more

  const std::string& endpoint() const { return endpoint_; }
  zmq::socket_ref socket() { return socket_; }
  void close();  // what was sent may still leave within limits::kGoodbye; the context's end waits for it

  static std::string address_of(PeerId peer);
  static std::optional<PeerId> peer_of(std::string_view address);

 private:
  zmq::socket_t socket_;
  std::string endpoint_;
};

}  // namespace stint::broker
