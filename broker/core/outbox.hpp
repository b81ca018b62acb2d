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

#include "common/model/messages.hpp"

namespace stint::broker {

enum class CommitId : std::uint64_t {};  // counts the changes handed to the store

// --- for the store: what must be durable before others may know ---

struct PutJob {  // a job is new, or its options or state have changed
  JobId job{};
  Incarnation writer{};
  JobOptions options;
  bool closed = false;
  bool paused = false;
  bool cancelled = false;
};
struct AppendTasks {
  JobId job{};
  Index first = 0;
  Batch tasks;
};
struct AppendOutcomes {
  JobResults results;  // its position is not yet known
};
struct TrimResults {  // the reader has consumed what is below
  JobId job{};
  std::uint64_t upto = 0;
};
struct ForgetJob {
  JobId job{};
};
using Change = std::variant<PutJob, AppendTasks, AppendOutcomes, TrimResults, ForgetJob>;

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
enum class Level : std::uint8_t { debug, info, warning, error };
struct Log {
  Level level = Level::info;
  std::string text;  // control characters of peers' names are escaped
};
struct Finished {};  // after shut_down: everything that had to be said is in the outbox before this

using Action = std::variant<Send, Publish, Store, Log, Finished>;

class Outbox {
 public:
  void send(PeerId to, Envelope envelope) { actions_.emplace_back(Send{to, std::move(envelope)}); }
  void publish(Event event) { actions_.emplace_back(Publish{std::move(event)}); }
  void store(CommitId commit, Change change) { actions_.emplace_back(Store{commit, std::move(change)}); }
  void log(Level level, std::string text) { actions_.emplace_back(Log{level, std::move(text)}); }
  void finished() { actions_.emplace_back(Finished{}); }

  void add(Action action) { actions_.push_back(std::move(action)); }

  bool empty() const { return actions_.empty(); }
  std::vector<Action> take() { return std::exchange(actions_, {}); }

 private:
  std::vector<Action> actions_;
};

}  // namespace stint::broker
