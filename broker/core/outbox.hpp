// What the broker's core wants done, as values, in order. A core calls nobody back: the shell (or a test) carries the actions out.
//
//   Outbox out;
//   broker.step(now, from, envelope, out);
//   for (Action& action : out.take()) std::visit(shell, action);
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/core/changes.hpp"
#include "common/model/messages.hpp"

namespace stint::broker {

// --- actions ---

struct Send {
  PeerId to{};
  Envelope envelope;
};
struct Publish {
  Event event;
};
struct Store {
  CommitId commit{};
  Change change;
};
struct Fetch {
  Wanted wanted;
};
enum class Level : std::uint8_t { debug, info, warning, error };
struct Log {
  Level level = Level::info;
  std::string text;  // control characters of peers' names are escaped
};
struct Finished {};  // after shut_down: everything that had to be said is in the outbox before this

using Action = std::variant<Send, Publish, Store, Fetch, Log, Finished>;

class Outbox {
 public:
  void send(PeerId to, Envelope envelope) { actions_.emplace_back(Send{to, std::move(envelope)}); }
  void publish(Event event) { actions_.emplace_back(Publish{std::move(event)}); }
  void store(CommitId commit, Change change) { actions_.emplace_back(Store{commit, std::move(change)}); }
  void fetch(Wanted wanted) { actions_.emplace_back(Fetch{std::move(wanted)}); }
  void log(Level level, std::string text) { actions_.emplace_back(Log{level, std::move(text)}); }
  void finished() { actions_.emplace_back(Finished{}); }

  void add(Action action) { actions_.push_back(std::move(action)); }

  bool empty() const { return actions_.empty(); }
  std::vector<Action> take() { return std::exchange(actions_, {}); }

 private:
  std::vector<Action> actions_;
};

}  // namespace stint::broker
