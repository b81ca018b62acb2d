// What the broker's core is told, as values: one for each of its public calls. Its shell tells it everything in this form, so that one
// place sees every input, and can record it (broker/record) for a replay (tests/replay).
//
//   tell(core, input::Tick{now}, out);
//
// A further input is a struct here with a tag of its own, the call that it stands for, and its name in the list below; its fields are
// recorded and read back without further ado. A tag is never given to another input: recordings know inputs by it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "broker/core/broker.hpp"

namespace stint::broker {
namespace input {

struct Restored {
  static constexpr char kTag = 'b';
  static constexpr std::string_view kName = "restored";
  TimePoint now{};
  Found found;
  void to(Broker& core, Outbox& out) const { core.restore(now, found, out); }
};

struct Step {
  static constexpr char kTag = 's';
  static constexpr std::string_view kName = "message";
  TimePoint now{};
  PeerId from{};
  Envelope envelope;
  void to(Broker& core, Outbox& out) const { core.step(now, from, envelope, out); }
};

struct Refused {
  static constexpr char kTag = 'r';
  static constexpr std::string_view kName = "refused message";
  TimePoint now{};
  PeerId from{};
  SessionId session{};
  Error error;
  void to(Broker& core, Outbox& out) const { core.refused(now, from, session, error, out); }
};

struct Unreachable {
  static constexpr char kTag = 'u';
  static constexpr std::string_view kName = "unreachable";
  TimePoint now{};
  PeerId peer{};
  void to(Broker& core, Outbox& out) const { core.unreachable(now, peer, out); }
};

struct Drained {
  static constexpr char kTag = 'd';
  static constexpr std::string_view kName = "drained";
  TimePoint now{};
  void to(Broker& core, Outbox&) const { core.drained(now); }
};

struct Tick {
  static constexpr char kTag = 't';
  static constexpr std::string_view kName = "tick";
  TimePoint now{};
  void to(Broker& core, Outbox& out) const { core.tick(now, out); }
};

struct Committed {
  static constexpr char kTag = 'c';
  static constexpr std::string_view kName = "committed";
  CommitId upto{};
  void to(Broker& core, Outbox& out) const { core.committed(upto, out); }
};

struct Fetched {
  static constexpr char kTag = 'f';
  static constexpr std::string_view kName = "fetched";
  broker::Fetched fetched;
  void to(Broker& core, Outbox& out) const { core.fetched(fetched, out); }
};

struct StoreFull {
  static constexpr char kTag = 'l';
  static constexpr std::string_view kName = "store full";
  std::string reason;  // empty: it has room again
  void to(Broker& core, Outbox& out) const { core.store_full(reason, out); }
};

struct Subscribed {
  static constexpr char kTag = 'e';
  static constexpr std::string_view kName = "subscribed";
  TimePoint now{};
  std::string topic;
  bool on = false;
  void to(Broker& core, Outbox& out) const { core.subscribed(now, topic, on, out); }
};

struct ShutDown {
  static constexpr char kTag = 'x';
  static constexpr std::string_view kName = "shut down";
  TimePoint now{};
  void to(Broker& core, Outbox& out) const { core.shut_down(now, out); }
};

}  // namespace input

using Input = std::variant<input::Restored, input::Step, input::Refused, input::Unreachable, input::Drained, input::Tick,
                           input::Committed, input::Fetched, input::StoreFull, input::Subscribed, input::ShutDown>;

inline void tell(Broker& core, const Input& input, Outbox& out) {
  std::visit([&](const auto& each) { each.to(core, out); }, input);
}

}  // namespace stint::broker
