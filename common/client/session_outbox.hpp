// What the client's session wants done, as values, in order. It calls nobody back: the shell (or a test) carries the
// actions out.
//
//   Outbox out;
//   session.step(now, envelope, out);
//   for (Action& action : out.take()) std::visit(shell, action);
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/model/messages.hpp"

namespace stint::client {

enum class Handle : std::uint32_t {};  // a job as this client knows it, before and after the broker has given it an id

// Why something does not go on, and which half of a job it stops.
struct Problem {
  enum class Kind : std::uint8_t { refused, conflict, displaced, gone };
  enum class Scope : std::uint8_t { all, writing, reading };

  Kind kind = Kind::refused;
  Scope scope = Scope::all;
  ErrorCode code{};
  std::string text;
};

// --- for the link ---
struct Connect {};  // throw the socket away and make a new one
struct Send {
  Envelope envelope;
};

// --- for whoever uses the client ---
struct Greeted {};   // the broker has let us in, for the first time or again
struct Parted {  // it is silent, or has ended the session
  std::string because;  // as Conversation::because()
};
struct TurnedAway {  // it does not let us in
  bool for_good = false;
  ErrorCode code{};
  std::string text;
};
struct JobOpened {
  Handle job{};
  JobId id{};
  std::uint64_t resumed = 0;  // tasks that it has already
};
struct JobAccepted {  // how far the broker has accepted, and whether more may be handed in
  Handle job{};
  std::uint64_t next = 0;
  bool closed = false;
};
struct JobStalled {  // empty reason: it goes on
  Handle job{};
  JobId id{};
  std::string reason;
};
struct ResultsArrived {
  Handle job{};
  JobResults results;
};
struct JobReported {  // with state ended: no result follows
  Handle job{};
  JobStatus status;
};
struct JobFailed {
  Handle job{};
  Problem problem;
};
struct Replied {
  RequestId request{};
  std::variant<Done, std::vector<Row>, Problem> answer;
};

using Action = std::variant<Connect, Send, Greeted, Parted, TurnedAway, JobOpened, JobAccepted, JobStalled,
                            ResultsArrived, JobReported, JobFailed, Replied>;

class Outbox {
 public:
  void add(Action action) { actions_.push_back(std::move(action)); }
  bool empty() const { return actions_.empty(); }
  std::vector<Action> take() { return std::exchange(actions_, {}); }

 private:
  std::vector<Action> actions_;
};

}  // namespace stint::client
