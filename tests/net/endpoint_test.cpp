#include "common/net/endpoint.hpp"

#include <doctest/doctest.h>

#include <string>


namespace stint {
namespace {

std::string refusal(const std::string& endpoint) {
  try {
    require_endpoint(endpoint);
  } catch (const EndpointError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("addresses of every transport are accepted") {
  for (const char* endpoint : {"tcp://127.0.0.1:5555", "tcp://*:*", "tcp://[::1]:5555", "tcp://broker.example:1",
                               "ipc:///run/stint", "inproc://broker"}) {
    CAPTURE(endpoint);
    CHECK(refusal(endpoint).empty());
  }
}

TEST_CASE("what is no address is named, with one that is") {
  for (const char* endpoint : {"", "localhost", "localhost:5555", "tcp://localhost", "tcp://:5555", "tcp://host:port",
                               "tcp://host:65536", "http://host:80", "ipc://"}) {
    CAPTURE(endpoint);
    CHECK(refusal(endpoint).find("tcp://127.0.0.1:5555") != std::string::npos);
    CHECK(refusal(endpoint).find("'" + std::string(endpoint) + "'") != std::string::npos);
  }
}

TEST_CASE("control characters of a bad address do not reach the terminal") {
  CHECK(refusal("tcp://\x1b[31m").find('\x1b') == std::string::npos);
}

TEST_CASE("only this machine reaches loopback, ipc and inproc") {
  for (const char* endpoint :
       {"tcp://127.0.0.1:5555", "tcp://localhost:*", "tcp://[::1]:1", "ipc:///x", "inproc://x"}) {
    CAPTURE(endpoint);
    CHECK(is_local(endpoint));
  }
  for (const char* endpoint : {"tcp://*:5555", "tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://eth0:1", "tcp://10.0.0.1:1"}) {
    CAPTURE(endpoint);
    CHECK_FALSE(is_local(endpoint));
  }
}

TEST_CASE("IPv6 is used for names, for all interfaces and for IPv6 numbers, but localhost is 127.0.0.1") {
  for (const char* endpoint : {"tcp://[::1]:1", "tcp://*:1", "tcp://broker.example:1"}) CHECK(wants_ipv6(endpoint));
  for (const char* endpoint : {"tcp://127.0.0.1:*", "tcp://0.0.0.0:1", "tcp://localhost:1"})
    CHECK_FALSE(wants_ipv6(endpoint));
}

}  // namespace
}  // namespace stint
