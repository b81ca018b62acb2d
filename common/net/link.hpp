// A peer's line to one broker: a DEALER socket that can be thrown away and made anew.
//
//   Link link(context, "tcp://127.0.0.1:5555");
//   link.connect();
//   link.send(conversation.greet(turn, hello));
//   wait({link.socket(), wakeup.fd()}, deadline);
//   while (std::optional<Decoded> message = link.receive()) ...
//
// connect() again makes a new socket: after a protocol error libzmq gives a connection up for good and tells nobody,
// and messages queued for a dead broker would reach the next one. Neither send() nor receive() waits; what is sent is
// queued without a limit of its own, because the protocol's windows are the limit.
//
// Owned and used by one thread; the context must outlive it. Neither copies nor moves.
#pragma once

#include <optional>
#include <string>
#include <zmq.hpp>

#include "common/model/time.hpp"
#include "common/wire/codec.hpp"

namespace stint {

class Link {
 public:
  Link(zmq::context_t& context, std::string endpoint);  // throws EndpointError; connects nothing yet
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { close(Duration::zero()); }

  void connect();               // drops what the old socket still held. Throws EndpointError
  void close(Duration linger);  // what is queued may still leave within `linger`; the context's end waits for it
  bool is_open() const { return static_cast<bool>(socket_); }

  void send(const Envelope& envelope);  // without a socket, or where a dead one refuses: dropped, as on a broken line
  std::optional<Decoded> receive();     // nothing: the socket is empty, or there is none

  const std::string& endpoint() const { return endpoint_; }
  zmq::socket_ref socket() { return socket_; }  // for wait(); null while closed

 private:
  zmq::context_t& context_;
  std::string endpoint_;
  zmq::socket_t socket_;
};

// What the sockets of both sides have in common: bounded frames, IPv6 where it is wanted, keepalive, no waiting at
// close. ZMTP's own heartbeats stay off: they abort a process whose receive queue is full (libzmq #3937), and the
// protocol has its own.
void set_common_options(zmq::socket_ref socket, std::string_view endpoint);

// How a connecting socket comes back after a broken connection: soon, then ever later, with jitter.
void set_reconnect_options(zmq::socket_ref socket);

int in_milliseconds(Duration duration);  // as socket options take it

}  // namespace stint
