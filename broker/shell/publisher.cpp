#include "broker/shell/publisher.hpp"

#include "broker/shell/bind.hpp"
#include "common/net/link.hpp"
#include "common/net/message.hpp"
#include "common/net/uninterrupted.hpp"

namespace stint::broker {
Publisher::Publisher(zmq::context_t& context, const ShellOptions& options) : socket_(context, zmq::socket_type::xpub) {
  set_common_options(socket_, options.events);
  socket_.set(zmq::sockopt::sndhwm, limits::kWatcherMessages);
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::kMaxTopicBytes + 1));
  socket_.set(zmq::sockopt::xpub_verbose, true);
  socket_.set(zmq::sockopt::handshake_ivl, in_milliseconds(options.handshake));
  endpoint_ = bind_socket(socket_, options.events, "--events");
}

std::optional<SubscriptionChange> Publisher::receive() {
  zmq::message_t message;
  while (uninterrupted([&] { return socket_.recv(message, zmq::recv_flags::dontwait); })) {
    const std::string_view bytes = message.to_string_view();
    const bool is_subscription = !bytes.empty() && (bytes[0] == 0 || bytes[0] == 1);
    if (is_subscription) return SubscriptionChange{std::string(bytes.substr(1)), bytes[0] == 1};
  }
  return std::nullopt;
}

void Publisher::publish(const Event& event) {
  const std::string body = encode_event(event);
  uninterrupted([&] { return socket_.send(zmq::buffer(event.topic), zmq::send_flags::dontwait | zmq::send_flags::sndmore); });
  uninterrupted([&] { return socket_.send(zmq::buffer(body), zmq::send_flags::dontwait); });
}

void Publisher::close() {
  socket_.set(zmq::sockopt::linger, in_milliseconds(limits::kGoodbye));
  socket_.close();
}

}  // namespace stint::broker
