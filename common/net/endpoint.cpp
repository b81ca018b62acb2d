#include "common/net/endpoint.hpp"

#include <arpa/inet.h>
#include <zmq.h>
#include <algorithm>
#include <charconv>

#include "common/model/escape.hpp"

namespace stint {
namespace {

constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kIpc = "ipc://";
constexpr std::string_view kInproc = "inproc://";

bool is_port(std::string_view text) {
  if (text == "*") return true;
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port <= 65'535;
}

bool is_endpoint(std::string_view endpoint) {
  if (endpoint.starts_with(kIpc)) return endpoint.size() > kIpc.size();
  if (endpoint.starts_with(kInproc)) return endpoint.size() > kInproc.size();
  if (!endpoint.starts_with(kTcp)) return false;
  const std::string_view address = endpoint.substr(kTcp.size());
  const std::size_t colon = address.rfind(':');
  return colon != std::string_view::npos && colon > 0 && is_port(address.substr(colon + 1));
}

// Requires: a tcp endpoint with a port; else the result means nothing.
std::string host_of(std::string_view endpoint) {
  const std::string_view address = endpoint.substr(std::min(kTcp.size(), endpoint.size()));
  return std::string(address.substr(0, address.rfind(':')));
}

bool is_ipv4(const std::string& host) {
  in_addr number{};
  return inet_pton(AF_INET, host.c_str(), &number) == 1;
}

}  // namespace

void require_endpoint(std::string_view endpoint) {
  if (is_endpoint(endpoint)) return;
  throw EndpointError(
      "'" + escaped(endpoint) +
      "' is not an address. Write tcp://host:port, such as tcp://127.0.0.1:5555, or ipc:///path/of/a/socket");
}

EndpointError cannot_connect(std::string_view endpoint, int error) {
  return EndpointError("cannot connect to '" + escaped(endpoint) + "': " + zmq_strerror(error) +
                       ". Give the address that stint-broker prints when it is ready, such as tcp://127.0.0.1:5555");
}

bool is_local(std::string_view endpoint) {
  if (!endpoint.starts_with(kTcp)) return true;
  const std::string host = host_of(endpoint);
  return host == "localhost" || host == "[::1]" || host == "lo" || (is_ipv4(host) && host.starts_with("127."));
}

bool wants_ipv6(std::string_view endpoint) {
  const std::string host = host_of(endpoint);
  return host != "localhost" && !is_ipv4(host);
}

}  // namespace stint
