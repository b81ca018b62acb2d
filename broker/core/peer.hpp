// A peer in session: who it is, where it is, and when it was last heard. Worker and Client add what their role needs.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "common/model/messages.hpp"
#include "common/session/gate.hpp"
#include "common/session/liveness.hpp"

namespace stint::broker {

struct Peer {
  Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  virtual ~Peer() = default;

  Role role = Role::client;
  Incarnation incarnation{};
  std::string name;
  PeerId address{};
  bool reachable = false;  // from its WELCOME to EHOSTUNREACH
  bool is_welcomed = false;  // the answer to its greeting has left
  Gate gate;
  Liveness liveness;
  std::uint32_t hello_no = 0;
  Welcome welcome;  // the answer to that HELLO, for its repetition

  SessionId session() const { return gate.session(); }
};

struct Client : Peer {
  std::set<JobId> writes;  // jobs whose writer it is
  std::set<JobId> reads;   // jobs that it is attached to
};

}  // namespace stint::broker
