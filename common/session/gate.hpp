// The gate in front of every core: behind it, handlers see each message of a session at most once and in order.
//
//   Gate gate(session);
//   switch (gate.admit(envelope.session, envelope.seq)) { ... }
//   send(Envelope{gate.session(), gate.next_seq(), message});
//
// ZeroMQ delivers in order while a connection lives; the numbers show what went missing, or came again, when it did not.
#pragma once

#include <cstdint>

#include "stint/ids.hpp"

namespace stint {

class Gate {
 public:
  enum class Verdict {
    pass,       // the next one in order
    duplicate,  // seen before: drop it
    foreign,    // of another session: greet (again)
    gap,        // numbers are missing: greet (again)
  };

  Gate() = default;
  explicit Gate(SessionId session) : session_(session) {}

  Verdict admit(SessionId session, std::uint32_t seq);
  void break_off() { is_broken_ = true; }  // a message could not be taken: what follows it finds a gap
  std::uint32_t next_seq() { return ++last_sent_; }

  SessionId session() const { return session_; }
  std::uint32_t last_sent() const { return last_sent_; }
  std::uint32_t last_received() const { return last_received_; }

 private:
  SessionId session_{};
  std::uint32_t last_sent_ = 0;
  std::uint32_t last_received_ = 0;
  bool is_broken_ = false;
};

}  // namespace stint
