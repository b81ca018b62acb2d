#include "broker/shell/bind.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/model/escape.hpp"
#include "common/net/endpoint.hpp"

namespace stint::broker {
namespace {

constexpr std::string_view kIpc = "ipc://";

// Whether somebody accepts connections on the socket file at `path`.
bool is_served(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path[0] == '@' || path[0] == '*' || path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return false;
  const bool served =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
  ::close(probe);
  return served;
}

std::string remedy(const std::string& option, int error) {
  switch (error) {
    case EADDRINUSE:
      return "Another process, perhaps another stint-broker, listens there: end it, or choose another address with " +
             option + ", such as tcp://127.0.0.1:* for any free port.";
    case EACCES:
    case EPERM:
    case EROFS:
      return "Choose a port above 1023, or an ipc path in a directory that you may write to, with " + option + ".";
    case ENOENT:
    case ENOTDIR:
      return "The directory of the socket must exist: make it, or choose another path with " + option + ".";
    case EADDRNOTAVAIL:
    case ENODEV:
      return "No network interface of this machine has that address. Give the IP address of one that has (names are not looked up), or * "
             "for all, with " + option + ".";
    case ENAMETOOLONG:
      return "The path of a socket has at most " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
             " bytes: choose a shorter one with " + option + ".";
    case EMFILE:
    case ENFILE:
      return "Raise the limit of open files (ulimit -n).";
    default:
      return "Give an address like tcp://127.0.0.1:5555 or ipc:///path/of/a/socket with " + option + ".";
  }
}

EndpointError cannot_listen(const std::string& endpoint, const std::string& option, int error) {
  return EndpointError("cannot listen on '" + escaped(endpoint) + "': " + zmq_strerror(error) + ". " +
                       remedy(option, error));
}

}  // namespace

std::string bind_socket(zmq::socket_t& socket, const std::string& endpoint, const std::string& option) {
  if (endpoint.starts_with(kIpc) && is_served(std::string_view(endpoint).substr(kIpc.size()))) {
    throw cannot_listen(endpoint, option, EADDRINUSE);
  }
  try {
    socket.bind(endpoint);
  } catch (const zmq::error_t& error) {
    throw cannot_listen(endpoint, option, error.num());
  }
  return socket.get(zmq::sockopt::last_endpoint);
}

}  // namespace stint::broker
