// What others will be told once the store has committed what it rests on. Decisions put effects into one queue, in order; the queue
// is worked off from the front as commits are reported (effects.cpp). So nobody ever learns of a thing that a crash could undo, and
// counts, results and states are told in the order in which they were decided.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "common/model/digest.hpp"
#include "common/model/messages.hpp"
#include "stint/task.hpp"

namespace stint::broker {

struct JobOpened {  // -> OPENED to the writer
  JobId job{};
  Incarnation client{};
  RequestId req{};
  bool is_new = false;
};
struct TasksAccepted {
  JobId job{};
  std::uint32_t count = 0;
  std::uint64_t bytes = 0;
  Digest digest;  // over everything up to here
  bool now = false;
};
struct CountsMoved {
  JobId job{};
  std::optional<TaskState> from;  // empty: new tasks
  TaskState to{};
  std::uint64_t count = 0;
};
struct TasksEnded {  // counted together with the digest of how, so that nobody is told one without the other
  JobId job{};
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t outcomes_digest = 0;  // of all ended tasks up to these
};
enum class JobChange : std::uint8_t { closed, paused, resumed, cancelled, ended };
struct JobChanged {
  JobId job{};
  JobChange change{};
  std::string reason;
  std::vector<LeaseId> revoked;  // by a cancellation: their workers are told to stop
};
struct ResultsDecided {
  JobResults results;
};
struct Welcomed {  // -> WELCOME
  SessionId session{};
};
struct WorkerAnswered {  // -> RESULTS_ACK
  Incarnation worker{};
  SessionId session{};
  std::uint32_t upto = 0;
  std::uint64_t bytes = 0;
};
struct Asked {  // -> ANSWER
  Incarnation client{};
  SessionId session{};
  Query query;
};
struct CommandDone {  // -> DONE
  Incarnation client{};
  Done done;
};

struct TasksReserved {  // -> TASKS
  JobId job{};
  Index upto = 0;
};
struct WorkerDrained {  // -> DRAIN
  Incarnation worker{};
};

using Effect = std::variant<JobOpened, TasksAccepted, CountsMoved, TasksEnded, JobChanged, ResultsDecided, WorkerAnswered, Asked,
                            CommandDone, TasksReserved, WorkerDrained, Welcomed>;

}  // namespace stint::broker
