#include "common/net/subscriber.hpp"

#include "common/model/limits.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/link.hpp"
#include "common/net/uninterrupted.hpp"

namespace stint {

Subscriber::Subscriber(zmq::context_t& context, std::string endpoint)
    : context_(context), endpoint_(std::move(endpoint)) {
  require_endpoint(endpoint_);
}

void Subscriber::connect() {
  zmq::socket_t socket(context_, zmq::socket_type::sub);
  set_common_options(socket, endpoint_);
  set_reconnect_options(socket);
  socket.set(zmq::sockopt::rcvhwm, limits::kWatcherMessages);
  for (const std::string& prefix : prefixes_) socket.set(zmq::sockopt::subscribe, prefix);
  try {
    uninterrupted([&] { socket.connect(endpoint_); });
  } catch (const zmq::error_t& error) {
    throw cannot_connect(endpoint_, error.num());
  }
  socket_ = std::move(socket);
}

void Subscriber::subscribe(const std::string& prefix) {
  const bool is_new = prefixes_.insert(prefix).second;
  if (is_new && socket_) socket_.set(zmq::sockopt::subscribe, prefix);
}

void Subscriber::unsubscribe(const std::string& prefix) {
  const bool was_known = prefixes_.erase(prefix) > 0;
  if (was_known && socket_) socket_.set(zmq::sockopt::unsubscribe, prefix);
}

// The socket counts subscriptions to one prefix; only the last to go and the first to come are sure to reach the other
// side.
void Subscriber::refresh(const std::string& prefix) {
  unsubscribe(prefix);
  subscribe(prefix);
}

std::optional<std::vector<std::string>> Subscriber::receive() {
  zmq::message_t frame;
  const auto next = [&] { return socket_.recv(frame, zmq::recv_flags::dontwait); };
  if (!socket_ || !uninterrupted(next)) return std::nullopt;
  std::vector<std::string> frames{frame.to_string()};
  while (frame.more() && uninterrupted(next)) {
    if (frames.size() < limits::kWatcherFrames) frames.push_back(frame.to_string());
  }
  return frames;
}

}  // namespace stint
