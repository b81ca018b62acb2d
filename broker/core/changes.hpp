// What has to be durable before others may know, what is wanted back from the store, and what a broker finds there at its start. These
// values are all that core and store say to each other.
//
// Changes are numbered as they are made, and durable in that order. A store may gather what it likes into one transaction, but never
// makes a change durable without those before it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/model/digest.hpp"
#include "common/model/messages.hpp"

namespace stint::broker {

enum class CommitId : std::uint64_t {};  // counts the changes handed to the store, from 1 in each process

// --- changes ---

// A job is new, or its options or its state have changed: all of it, as it is from now on.
struct PutJob {
  JobId job{};
  JobId parent{};  // the job whose dead letters its tasks are; 0 = none
  Incarnation writer{};
  JobOptions options;
  std::int32_t priority = 0;  // as in the options until a command changes it
  bool started = false;       // its first task was handed out
  bool closed = false;
  bool paused = false;
  bool cancelled = false;
  bool ended = false;
  std::uint64_t readers = 0;  // the number of its newest reader
  std::uint64_t failures_excused = 0;  // its failed tasks before it was last resumed: max_failures counts from there
  std::string reason;         // why it is paused, or how it ended
  friend bool operator==(const PutJob&, const PutJob&) = default;
};

// Tasks were accepted. `digest` is over all of the job's tasks up to the end of these.
struct AppendTasks {
  JobId job{};
  Index first = 0;
  Batch tasks;
  Digest digest;
};

// From now on fresh tasks below `upto` may be handed out: after a restart a worker may come back with them.
struct ReserveTasks {
  JobId job{};
  Index upto = 0;
};

// Tasks have ended. Of their outputs `results` is kept; it may be empty (count 0) where nobody wants any.
struct AppendOutcomes {
  JobId job{};
  Indices ended;
  std::uint64_t done = 0;    // of them
  std::uint64_t failed = 0;  // of them
  std::uint64_t digest = 0;  // of the outcomes of all of the job's ended tasks up to these
  JobResults results;        // with their position: the place in the order of ending
  std::vector<std::pair<Index, Blob>> letters;  // the payloads of failed tasks, for inspection and for `retry`
};

// A handler said no, and the task is tried again: so often has it failed so far.
struct CountFailures {
  JobId job{};
  std::vector<std::pair<Index, std::uint32_t>> failures;
};

// The reader has consumed what is below: a position, or an index when the job is ordered. Its outputs may go.
struct TrimResults {
  JobId job{};
  std::uint64_t upto = 0;
};

// All tasks below have ended: their payloads, and that they ended, need not be remembered one by one.
struct DropTasks {
  JobId job{};
  Index below = 0;
};

struct ForgetJob {
  JobId job{};
};

// A worker was told to drain, and is told again when it comes back.
struct DrainOrder {
  Incarnation worker{};
  std::uint32_t deadline_ms = 0;
  friend bool operator==(const DrainOrder&, const DrainOrder&) = default;
};

// The answer to a command, for its repetition. Of these the newest limits::kStoredAnswers are kept.
struct PutAnswer {
  Incarnation client{};
  Done done;
  std::vector<DrainOrder> drains;
  friend bool operator==(const PutAnswer&, const PutAnswer&) = default;
};

using Change = std::variant<PutJob, AppendTasks, ReserveTasks, AppendOutcomes, CountFailures, TrimResults, DropTasks,
                            ForgetJob, PutAnswer>;

// --- what is read back while serving; only what is durable and not yet dropped or trimmed is asked for ---

// Tasks from `first` on, in whole chunks, as the store has joined them: as many as fit into `bytes`, at least one chunk.
struct WantedTasks {
  JobId job{};
  Index first = 0;
  std::uint64_t bytes = 0;
};

// Results from `from` on, as many as fit into `bytes`, at least one piece if there is one. `from` is a position, or an index.
struct WantedResults {
  JobId job{};
  bool by_index = false;
  std::uint64_t from = 0;
  std::uint64_t bytes = 0;
  std::uint64_t known = 0;  // how many results its readers could know of when this was asked; the answer says it again
};
using Wanted = std::variant<WantedTasks, WantedResults>;

struct FetchedTasks {
  WantedTasks wanted;
  std::vector<std::pair<Index, Batch>> chunks;  // ascending, without a gap; the first holds wanted.first
};
// Ascending, without a gap; the first begins at wanted.from. Pieces by index are runs of consecutive tasks, whose position is the index.
struct FetchedResults {
  WantedResults wanted;
  std::vector<JobResults> results;
  std::optional<Index> next;  // by index, when nothing is at wanted.from: the next index behind it that has a result
};
using Fetched = std::variant<FetchedTasks, FetchedResults>;

// --- what a broker finds at its start ---

struct FoundJob {
  PutJob job;
  Index received = 0;
  std::uint64_t received_bytes = 0;
  Digest digest;
  Index handed_upto = 0;              // as ReserveTasks said last: tasks from here on were never handed out
  std::uint64_t fresh_bytes = 0;      // payload of the chunks that lie wholly at or above handed_upto
  Index dropped_below = 0;            // as DropTasks said last
  std::vector<Run> ended;             // at or above dropped_below: sorted, disjoint
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t outcomes_digest = 0;
  std::uint64_t consumed = 0;         // as TrimResults said last
  std::uint64_t results_end = 0;      // the position behind the last result
  Index results_index_end = 0;        // the index behind the highest task with a result in the store
  std::uint64_t results_bytes = 0;    // of outputs in the store
  std::vector<JobResults> unread;     // of a streaming job: what is not consumed, in the order of ending (a first part may be)
  std::vector<std::pair<Index, std::uint32_t>> failures;  // of tasks that have not ended
  std::vector<std::pair<Index, Blob>> dead_letters;
};

struct Found {
  std::vector<FoundJob> jobs;      // ascending by id
  std::uint64_t last_job = 0;      // the highest number ever given to a job, also to one that is forgotten
  std::vector<PutAnswer> answers;  // oldest first
};

}  // namespace stint::broker
