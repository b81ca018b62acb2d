#include "common/net/link.hpp"

#include <algorithm>
#include <chrono>

#include "common/model/limits.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/message.hpp"
#include "common/net/uninterrupted.hpp"

namespace stint {

int in_milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

void set_common_options(zmq::socket_ref socket, std::string_view endpoint) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::rcvhwm, limits::kReceiveMessages);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::kMaxFrameBytes));
  socket.set(zmq::sockopt::ipv6, wants_ipv6(endpoint));
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, limits::kKeepaliveSeconds);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, limits::kKeepaliveSeconds);
}

void set_reconnect_options(zmq::socket_ref socket) {
  socket.set(zmq::sockopt::reconnect_ivl, in_milliseconds(limits::kReconnectMin));
  socket.set(zmq::sockopt::reconnect_ivl_max, in_milliseconds(limits::kReconnectMax));
}

Link::Link(zmq::context_t& context, std::string endpoint) : context_(context), endpoint_(std::move(endpoint)) {
  require_endpoint(endpoint_);
}

void Link::connect() {
  close(Duration::zero());
  zmq::socket_t socket(context_, zmq::socket_type::dealer);
  set_common_options(socket, endpoint_);
  set_reconnect_options(socket);
  try {
    uninterrupted([&] { socket.connect(endpoint_); });
  } catch (const zmq::error_t& error) {
    throw cannot_connect(endpoint_, error.num());
  }
  socket_ = std::move(socket);
}

void Link::close(Duration linger) {
  if (!is_open()) return;
  socket_.set(zmq::sockopt::linger, std::max(0, in_milliseconds(linger)));
  socket_.close();
  socket_ = zmq::socket_t();
}

void Link::send(const Envelope& envelope) {
  if (is_open()) send_message(socket_, encode(envelope));
}

std::optional<Decoded> Link::receive() {
  if (!is_open()) return std::nullopt;
  std::optional<Incoming> incoming = receive_message(socket_);
  if (!incoming) return std::nullopt;
  return std::move(*incoming).decode();
}

}  // namespace stint
