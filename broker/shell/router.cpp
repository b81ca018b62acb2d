#include "broker/shell/router.hpp"

#include <cerrno>
#include <utility>

#include "broker/shell/bind.hpp"
#include "common/net/link.hpp"
#include "common/net/uninterrupted.hpp"

namespace stint::broker {
namespace {

constexpr std::size_t kAddressBytes = 5;

}  // namespace

Router::Router(zmq::context_t& context, const ShellOptions& options) : socket_(context, zmq::socket_type::router) {
  set_common_options(socket_, options.listen);
  socket_.set(zmq::sockopt::rcvhwm, limits::kReceiveMessagesPerPeer);
  socket_.set(zmq::sockopt::router_mandatory, true);
  socket_.set(zmq::sockopt::handshake_ivl, in_milliseconds(options.handshake));
  socket_.set(zmq::sockopt::backlog, limits::kListenBacklog);
  endpoint_ = bind_socket(socket_, options.listen, "--listen");
}

std::optional<Mail> Router::receive() {
  zmq::message_t address;
  if (!uninterrupted([&] { return socket_.recv(address, zmq::recv_flags::dontwait); })) return std::nullopt;
  Mail mail;
  mail.address = address.to_string();
  mail.peer = peer_of(mail.address);
  if (address.more()) {
    if (auto incoming = receive_message(socket_)) mail.incoming = std::move(*incoming);
  }
  return mail;
}

bool Router::send(std::string_view address, const Envelope& envelope) {
  try {
    return send_message(socket_, encode(envelope), address);
  } catch (const zmq::error_t& error) {
    if (error.num() == EHOSTUNREACH) return false;
    throw;
  }
}

void Router::close() {
  socket_.set(zmq::sockopt::linger, in_milliseconds(limits::kGoodbye));
  socket_.close();
}

std::string Router::address_of(PeerId peer) {
  std::string address(kAddressBytes, '\0');
  for (std::size_t i = 1; i < kAddressBytes; ++i)
    address[i] = static_cast<char>(value(peer) >> (8 * (kAddressBytes - 1 - i)));
  return address;
}

std::optional<PeerId> Router::peer_of(std::string_view address) {
  if (address.size() != kAddressBytes || address[0] != '\0') return std::nullopt;
  std::uint32_t number = 0;
  for (const char byte : address.substr(1)) number = number << 8 | static_cast<unsigned char>(byte);
  return PeerId{number};
}

}  // namespace stint::broker
