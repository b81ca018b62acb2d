// What the session wants done, as values: the runtime and the tests carry it out, in order.
//
//   Outbox out;
//   session.step(now, envelope, out);
//   for (Action& action : out) std::visit(perform, action);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/model/messages.hpp"

namespace stint::worker {

// The worker's own number for a lease that it took on. Lease numbers may come again when a broker has lost its store,
// while a handler of the old one still runs.
enum class Ticket : std::uint64_t {};

struct Connect {};  // drop the old connection and make a new one

struct Send {
  Envelope envelope;
};

// Start these tasks as slots become free, behind those that came before.
struct RunTasks {
  Ticket ticket{};
  std::shared_ptr<const JobInfo> job;
  LeaseId lease{};
  Indices indices;
  Attempt attempt = 1;
  Batch tasks;
};

// Give tasks back (no runs = all of the ticket): those not started, or all, stopping what runs. Always answered at once
// with Session::given_back, if need be with nothing; what is stopped follows when its handler has returned.
struct StopTasks {
  Ticket ticket{};
  std::vector<Run> runs{};
  RecallMode mode = RecallMode::unstarted;
};

// A running task is over its time limit: ask its handler to stop. What it then returns no longer counts.
struct StopOvertime {
  unsigned slot = 0;
  Ticket ticket{};
  Index index = 0;
};

// It has not stopped: report it as timed out and count on its slot no more. Answered with Session::slot_lost, unless
// the handler has just returned after all.
struct WriteOff {
  unsigned slot = 0;
  Ticket ticket{};
  Index index = 0;
};

// Start no further task, or go on.
struct HoldBack {
  bool on = false;
};

// What results have to obey from now on.
struct Obey {
  std::uint64_t max_payload_bytes = 0;
  std::uint64_t batch_bytes = 0;
};

// A line for people.
struct Say {
  std::string text;
};

// Nothing more is to be done: end with this exit code.
struct Leave {
  int code = 0;
  std::string reason;
};

using Action = std::variant<Connect, Send, RunTasks, StopTasks, StopOvertime, WriteOff, HoldBack, Obey, Say, Leave>;
using Outbox = std::vector<Action>;

}  // namespace stint::worker
