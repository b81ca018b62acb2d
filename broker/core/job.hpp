// One job: its options, its tasks, its two sets of counts, its results and their readers.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/result_log.hpp"
#include "broker/core/task_queue.hpp"
#include "common/model/digest.hpp"
#include "common/model/messages.hpp"

namespace stint::broker {

struct KindQueue;
struct Turn;

// A client that is attached to a job.
struct Reader {
  Incarnation client{};
  ReaderId number{};
  std::uint64_t reading = 0;       // as its client calls it
  bool results = true;             // false: it wants the changes of state only
  bool ordered = false;            // positions are indices
  std::uint64_t next = 0;          // what is sent next
  std::uint64_t acked = 0;         // what is below needs no room: it may be sent again all the same, to one who has come back
  std::uint64_t limit_tasks = 0;   // a position
  std::uint64_t limit_bytes = 0;   // sent and not acknowledged, at most
  std::uint64_t unacked_bytes = 0;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> in_flight;  // (position behind it, bytes) of each message not acknowledged
  bool end_told = false;

  // results that lie in the store
  bool fetching = false;
  std::deque<JobResults> fetched;  // from `next` on
  std::uint64_t looked_at = 0;     // how many results there were when the next one was last looked for
};

// Why a job stands still: a name for programs, a sentence for people. Both empty: it does not.
struct Standing {
  std::string_view name;
  std::string text;
};

// What is told to others about a job. Its decided twin runs ahead by what the store has not yet committed.
struct Told {
  Counts counts;
  Index accepted = 0;
  Index reserved_upto = 0;  // fresh tasks below may be handed out
  std::uint64_t accepted_bytes = 0;
  Digest digest;
  std::uint64_t outcomes_digest = 0;
  bool opened = false;
  bool closed = false;
  bool paused = false;
  bool cancelled = false;
  bool started = false;
  bool ended = false;
};

// What a writer was last told, so that a window that moves a little costs no message.
struct Window {
  Index next = 0;
  std::uint64_t limit_tasks = 0;
  std::uint64_t limit_bytes = 0;
  std::string reason;
};

struct Job {
  JobId id{};
  JobOptions options;
  Incarnation writer{};
  std::int32_t priority = 0;       // as in the options until a command changes it
  bool writer_present = false;
  TimePoint writer_gone_at{};      // when its grace ends, while it is not present

  // decided
  TaskQueue tasks;
  Index reserved_upto = 0;         // fresh tasks below may be handed out, once that is durable
  Index dropped_below = 0;         // tasks below need not be in the store any more
  bool fetching = false;           // payloads are on their way from the store
  Counts counts;
  Digest digest;
  bool started = false;            // its first task was handed out
  bool closed = false;
  bool paused = false;
  bool cancelled = false;
  bool ended = false;
  std::string reason;              // why it is paused, or who cancelled it, or what
  std::uint64_t outcomes_digest = 0;
  std::uint64_t results_decided = 0;  // the position behind the last result

  Told told;
  Window window;                   // as the writer was told
  bool accept_now = false;  // its writer waits to hear how far it is accepted ...
  bool accept_due = false;  // ... or hears of it at the next reminder

  // results
  SequenceLog log;                 // in the order of ending; unused when the job is ordered
  IndexLog by_index;               // when ordered, or once a reader of a kept job has asked for order
  bool indexed = false;
  bool in_store = false;           // and nowhere else: readers are served from there
  std::uint64_t stored_end = 0;    // of those in the store, the position behind the last that readers may know of ...
  Index stored_index_end = 0;      // ... the index behind the highest ...
  std::uint64_t stored_bytes = 0;  // ... and their bytes
  std::uint64_t waiting_bytes = 0; // of results that are decided and not yet durable
  std::vector<Reader> readers;
  std::uint64_t readers_seen = 0;  // the newest reader's number
  std::uint64_t consumed = 0;      // the position up to which a streaming job's reader has acknowledged
  std::uint64_t largest_output = 0;

  std::map<Index, Blob> dead_letters;  // payloads of failed tasks, to be tried again in a job of their own
  std::uint64_t dead_bytes = 0;
  std::uint64_t failures_excused = 0;  // failed tasks before the last resume: max_failures counts from there
  JobId parent{};                  // the job whose dead letters its tasks are; 0 = none

  // dispatch
  KindQueue* kind = nullptr;
  std::unique_ptr<Turn> turn;      // its place in its kind's queue; null: it has nothing to hand out
  std::uint64_t last_served = 0;   // counts dispatches
  std::set<LeaseId> leases;        // those that are not revoked
  std::uint32_t slots_in_use = 0;
  std::uint32_t workers = 0;       // that hold tasks of it
  Incarnation reserved{};          // the worker that empties itself for a task of it that must be alone
  std::set<Incarnation> informed;  // workers that know its JOB_INFO

  // for people
  std::uint64_t redone = 0;        // handings-out after a loss or a failure
  std::uint64_t losses = 0;        // leases lost with a worker
  Standing standing;               // why it stands still
  bool standing_told = true;
  TimePoint standing_due{};        // when it is told
  std::string pause_reason;        // as it was told
  std::string end_reason;          // who cancelled it, or what
  TimePoint progress_at{};         // when the next progress event may go out
  bool progress_due = false;
  bool progress_waits = false;     // a reminder is set

  bool is_streaming() const { return options.results == ResultsPolicy::stream; }
  std::uint64_t retained_bytes() const { return in_store ? stored_bytes : options.order ? by_index.bytes() : log.bytes(); }
  std::uint64_t results_end() const { return results_end(options.order); }
  std::uint64_t results_end(bool ordered) const {  // the position, or index, behind the last result
    if (in_store) return ordered ? stored_index_end : stored_end;
    return ordered ? by_index.end() : log.end();
  }

  JobState state() const;       // as decided
  JobState told_state() const;
  Reader* reader_of(Incarnation client);

  Job();
  ~Job();
};

}  // namespace stint::broker
