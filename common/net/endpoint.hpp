// Addresses of sockets, and errors about them that a first-time user understands.
//
//   require_endpoint("localhost:5555");   // throws EndpointError: '...' is not an address. Write tcp://host:port, ...
//
// Values; may be used from any thread.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace stint {

class EndpointError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws EndpointError where `endpoint` cannot be one: tcp://host:port, ipc://path, inproc://name.
void require_endpoint(std::string_view endpoint);

// Why a connection to `endpoint` could not even be begun (not: why nobody answers), from the errno that libzmq gave.
EndpointError cannot_connect(std::string_view endpoint, int error);

// Whether only this machine's processes can reach it: ipc, inproc, or tcp on a loopback address.
bool is_local(std::string_view endpoint);

// Whether sockets should use IPv6 for it. Not for IPv4 numbers, which would come back as [::ffff:127.0.0.1], nor for
// localhost, which means 127.0.0.1 here: of a name's addresses libzmq tries only the first, and a broker listens on
// 127.0.0.1 unless told otherwise.
bool wants_ipv6(std::string_view endpoint);

}  // namespace stint
