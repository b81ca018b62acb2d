// Binds a socket, or says what is wrong with the address and what to do about it.
//
//   const std::string real = bind_socket(socket, "tcp://127.0.0.1:*", "--listen");   // tcp://127.0.0.1:41234
//
// An ipc path that another process serves is refused; libzmq alone would take it away from that process silently.
#pragma once

#include <string>
#include <zmq.hpp>

namespace stint::broker {

// `option` is what the user would change. Throws EndpointError.
std::string bind_socket(zmq::socket_t& socket, const std::string& endpoint, const std::string& option);

}  // namespace stint::broker
