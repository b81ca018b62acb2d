// Every message of the protocol as a plain value. common/wire turns them into frames and back; common/wire/PROTOCOL.md is the
// contract for other languages. B = broker, C = client, W = worker, P = any peer of the broker.
//
// A message is carried in an Envelope with its session and its number within the session and direction. The session and number of
// HELLO, HELLO_AGAIN and of an ERROR outside any session are 0; a WELCOME carries the new session and number 0, and what follows it
// counts from 1 in each direction.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/model/batch.hpp"
#include "common/model/blob.hpp"
#include "common/model/outcome.hpp"
#include "common/model/row.hpp"
#include "stint/error.hpp"
#include "stint/ids.hpp"
#include "stint/job.hpp"

namespace stint {

constexpr std::uint8_t kProtocolMajor = 1;

enum class Role : std::uint8_t { client = 1, worker = 2 };

// --- greeting ----------------------------------------------------------------------------------------------------------------

// Tasks of one lease that a greeting worker holds: unstarted, running, or ended with a result that is not acknowledged.
struct HeldLease {
  LeaseId lease{};
  JobId job{};
  std::vector<Run> runs;
  friend bool operator==(const HeldLease&, const HeldLease&) = default;
};

// P->B. "Here I am." One in flight at a time; nothing else is sent before the WELCOME that echoes hello_no. A repetition has the
// same hello_no; a new greeting a higher one.
struct Hello {
  Role role = Role::client;
  std::string name;             // what people call it; empty = the broker makes one up
  Incarnation incarnation{};
  std::uint32_t hello_no = 0;   // from 1, rising
  StoreId store{};              // of the broker that its leases or jobs come from; 0 = none
  std::uint32_t version = kProtocolMajor;
  std::vector<std::string> kinds;  // worker
  std::uint32_t slots = 0;         // worker
  bool draining = false;           // worker
  std::vector<HeldLease> held;     // worker
  friend bool operator==(const Hello&, const Hello&) = default;
};

// Tasks that the worker must stop and forget without reporting results; it answers with RELEASE when they are gone.
struct Drop {
  LeaseId lease{};
  std::vector<Run> runs;
  friend bool operator==(const Drop&, const Drop&) = default;
};

// B->P. The answer to HELLO. It dictates every timer and limit.
struct Welcome {
  std::uint32_t hello_no = 0;  // which HELLO this answers; any other WELCOME is ignored
  std::uint32_t version = kProtocolMajor;
  StoreId store{};
  std::uint64_t epoch = 0;
  std::string name;            // what the broker calls the peer; unique among workers
  std::uint32_t heartbeat_ms = 0;
  std::uint32_t liveness = 0;  // heartbeats missed before a side is gone
  std::uint64_t max_payload_bytes = 0;
  std::uint64_t batch_bytes = 0;
  std::uint64_t unacked_bytes = 0;  // worker: results held unacknowledged before it starts no further task
  std::vector<Drop> drop;           // worker
  friend bool operator==(const Welcome&, const Welcome&) = default;
};

// B->P. "I do not know this session, or numbers are missing: greet again."
struct HelloAgain {
  std::string reason;
  friend bool operator==(const HelloAgain&, const HelloAgain&) = default;
};

// Both. Sent when nothing else was for an interval; uses up a number, so that a lost last message is noticed.
struct Heartbeat {
  std::uint32_t started = 0;  // worker: busy slots
  std::uint32_t queued = 0;   // worker: tasks held and not started
  std::uint32_t upto = 0;     // broker to worker: as in ResultsAck
  std::uint32_t heartbeat_ms = 0;  // broker to peer: the interval from now on; 0: it stays
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

// Both. Ends the session. From a worker: what it still held is queued again free of charge. From the broker: greet again after
// retry_after_ms.
struct Bye {
  std::string reason;
  std::uint32_t retry_after_ms = 0;
  friend bool operator==(const Bye&, const Bye&) = default;
};

// B->P. A message was rejected and has changed nothing; its number is used up.
struct Error {
  std::uint32_t re_seq = 0;  // the number of the rejected message; 0 outside any session
  ErrorCode code{};
  bool retryable = false;
  std::string text;
  std::uint64_t expected = 0;  // what would have been right, where a number says it: a position, a version, a size
  RequestId req{};             // of the rejected OPEN, COMMAND or QUERY; else 0
  JobId job{};                 // the job that it was about; else 0
  friend bool operator==(const Error&, const Error&) = default;
};

// --- client ------------------------------------------------------------------------------------------------------------------

// C->B. Opens a job, or continues the one that has the key. Its sender is the writer from then on. -> OPENED or ERROR conflict
struct Open {
  RequestId req{};
  JobOptions options;  // the key is never empty here
  JobId job{};         // goes on with this job only, and begins no other -> ERROR unknown_job; 0: whichever has the key
  friend bool operator==(const Open&, const Open&) = default;
};

// B->C. Positions are absolute: the writer may send tasks below limit_tasks as long as the sum of all its payloads from the job's
// first task on stays within limit_bytes. One message of any legal size is always admitted when nothing is unaccepted.
struct Opened {
  RequestId req{};
  JobId job{};
  Index next = 0;              // the first task not yet accepted (durably)
  std::uint64_t bytes = 0;     // payload bytes of the tasks below next
  std::uint64_t limit_tasks = 0;
  std::uint64_t limit_bytes = 0;
  JobState state = JobState::open;
  bool closed = false;         // CLOSE was accepted
  std::uint32_t digest = 0;    // of the tasks below next
  friend bool operator==(const Opened&, const Opened&) = default;
};

// C->B. Tasks first, first + 1, ... Those already known are ignored, in any state of the job. -> ACCEPTED
struct Submit {
  JobId job{};
  Index first = 0;
  bool now = false;  // the sender waits for ACCEPTED
  Batch tasks;
  friend bool operator==(const Submit&, const Submit&) = default;
};

// B->C. Cumulative.
struct Accepted {
  JobId job{};
  Index next = 0;
  std::uint64_t limit_tasks = 0;
  std::uint64_t limit_bytes = 0;
  std::uint32_t digest = 0;  // of the tasks below next
  bool closed = false;
  std::string reason;  // why the window is closed, with what helps; empty when it is open
  friend bool operator==(const Accepted&, const Accepted&) = default;
};

// C->B. No task follows beyond `total`. -> ACCEPTED with closed
struct Close {
  JobId job{};
  std::uint64_t total = 0;
  friend bool operator==(const Close&, const Close&) = default;
};

// C->B. Asks for a job's results from position `upto` on, or, with results = false, for its changes of state only. Positions are
// the sequence of ending, or the index when ordered. -> JOB with the reader's number, RESULTS ..., JOB ended after the last.
// For kept jobs `order` may be asked for here whatever the job's own order.
struct Attach {
  JobId job{};
  ReaderId reader{};  // 0 = a new reader; else the number that an earlier JOB gave, when attaching again
  bool results = true;
  bool order = false;
  std::uint64_t upto = 0;         // everything below is consumed
  std::uint64_t limit_tasks = 0;  // a position: results below it may be sent
  std::uint64_t limit_bytes = 0;  // bytes of results that may be sent and not acknowledged
  std::uint64_t reading = 0;      // the client's name for what is said in answer to this
  friend bool operator==(const Attach&, const Attach&) = default;
};

// C->B. Stops what ATTACH began. -> nothing further for this job
struct Detach {
  JobId job{};
  friend bool operator==(const Detach&, const Detach&) = default;
};

// B->C. A run of results of a job, from position `position` on.
struct JobResults {
  JobId job{};
  std::uint64_t position = 0;  // of the first one; the others follow in order (by index: at their index)
  Attempt attempt = 1;         // with which they ended
  std::string worker;          // who ended them; empty when the broker did
  Outcomes outcomes;
  std::uint64_t reading = 0;   // as ATTACH said
  friend bool operator==(const JobResults&, const JobResults&) = default;
};

// C->B. Results below `upto` are consumed; cumulative.
struct Ack {
  JobId job{};
  std::uint64_t upto = 0;
  std::uint64_t limit_tasks = 0;
  friend bool operator==(const Ack&, const Ack&) = default;
};

// B->C. Where a job stands; sent on ATTACH and at each change of state. With state ended it is the last message about the job, and
// comes behind all its results.
struct JobStatus {
  JobId job{};
  JobState state = JobState::open;
  Counts counts;
  ReaderId reader{};
  std::uint64_t results = 0;  // the position behind the last result; final once the job has ended
  std::string reason;         // why it stands still or how it ended; may be empty
  std::uint64_t reading = 0;  // as ATTACH said
  friend bool operator==(const JobStatus&, const JobStatus&) = default;
};

// --- worker ------------------------------------------------------------------------------------------------------------------

// B->W. What a worker must know of a job before its first TASKS in a session; `gone` when both may forget it.
struct JobInfo {
  JobId job{};
  bool gone = false;
  std::string kind;
  std::string name;
  std::string context;
  std::uint32_t time_limit_ms = 0;  // 0 = none
  bool discard = false;             // results are not wanted, only how tasks ended
  friend bool operator==(const JobInfo&, const JobInfo&) = default;
};

// How carefully tasks are handed out that were lost with a worker before.
enum class Suspicion : std::uint8_t { none = 0, one_per_slot = 1, alone = 2 };

// B->W. A lease: tasks to run. Suspects' results are sent each at once.
struct Tasks {
  LeaseId lease{};
  JobId job{};
  Indices indices;
  Attempt attempt = 1;
  Suspicion suspicion = Suspicion::none;
  Batch tasks;
  friend bool operator==(const Tasks&, const Tasks&) = default;
};

// W->B. How tasks of one lease ended. Repeated after a new WELCOME until acknowledged.
struct LeaseResults {
  LeaseId lease{};
  Outcomes outcomes;
  friend bool operator==(const LeaseResults&, const LeaseResults&) = default;
};

// B->W. The worker's messages up to number `upto` in this session are dealt with: their results may be forgotten.
struct ResultsAck {
  std::uint32_t upto = 0;
  friend bool operator==(const ResultsAck&, const ResultsAck&) = default;
};

enum class RecallMode : std::uint8_t { unstarted = 0, stop = 1 };

// B->W. Give tasks of a lease back: those not started, or all, stopping what runs. Always answered by RELEASE, with no runs when
// there was nothing to give back. With `stop` the RELEASE for running tasks follows when their handlers have returned.
struct Recall {
  LeaseId lease{};
  std::vector<Run> runs;  // empty = the whole lease
  RecallMode mode = RecallMode::unstarted;
  friend bool operator==(const Recall&, const Recall&) = default;
};

// W->B. These tasks are no longer held, and no result of them follows.
struct Release {
  LeaseId lease{};
  std::vector<Run> runs;
  friend bool operator==(const Release&, const Release&) = default;
};

// B->W. Finish what runs, give back what has not started, hand in the results, say BYE.
struct Drain {
  std::uint32_t deadline_ms = 0;  // 0 = none; then what still runs is stopped and released
  friend bool operator==(const Drain&, const Drain&) = default;
};

// W->B. How far a running task is; the last value counts.
struct Progress {
  LeaseId lease{};
  Index index = 0;
  double fraction = 0;  // 0 to 1
  std::string text;
  friend bool operator==(const Progress&, const Progress&) = default;
};

// W->B. What the worker can do has changed.
struct State {
  std::vector<std::string> kinds;
  std::uint32_t slots = 0;
  bool draining = false;
  friend bool operator==(const State&, const State&) = default;
};

// --- steering ----------------------------------------------------------------------------------------------------------------

// C->B. Verbs: pause, resume, close, cancel, forget, priority, retry (jobs: `selector` is an id, a key or a unique name); drain (workers).
// Repeated under the same req, it is answered from memory. -> DONE or ERROR
struct Command {
  RequestId req{};
  std::string verb;
  std::string selector;
  std::vector<std::string> names;  // drain: workers by name
  std::string kind;                // drain: workers that offer it
  std::uint64_t count = 0;         // drain: how many; 0 = all that fit
  bool all = false;                // drain: every worker
  std::uint32_t deadline_ms = 0;   // drain: 0 = none
  std::int32_t priority = 0;
  friend bool operator==(const Command&, const Command&) = default;
};

// B->C.
struct Done {
  RequestId req{};
  std::vector<std::string> affected;  // job ids or worker names
  friend bool operator==(const Done&, const Done&) = default;
};

// C->B. what = jobs, job (by selector), workers, broker. One outstanding at a time. -> ANSWER or ERROR
struct Query {
  RequestId req{};
  std::string what;
  std::string selector;
  std::uint64_t cursor = 0;  // 0, or ANSWER.next
  std::uint32_t limit = 0;   // rows wanted; 0 = as many as one answer holds
  friend bool operator==(const Query&, const Query&) = default;
};

// B->C.
struct Answer {
  RequestId req{};
  std::vector<Row> rows;
  std::uint64_t next = 0;  // where the listing goes on; 0 at its end
  friend bool operator==(const Answer&, const Answer&) = default;
};

// --- events ------------------------------------------------------------------------------------------------------------------

// On the events socket, behind a frame with the topic. Every event has the full counts or the full state of what it is about.
struct Event {
  std::string topic;  // ends in a dot: job.7.
  std::string event;  // opened, started, progress, ...
  std::uint64_t epoch = 0;
  StoreId store{};
  std::uint64_t seq = 0;  // counts within the topic, from 1; a `state` event repeats the topic's last number
  Row fields;
  friend bool operator==(const Event&, const Event&) = default;
};

using Message =
    std::variant<Hello, Welcome, HelloAgain, Heartbeat, Bye, Error, Open, Opened, Submit, Accepted, Close, Attach, Detach, JobResults,
                 Ack, JobStatus, JobInfo, Tasks, LeaseResults, ResultsAck, Recall, Release, Drain, Progress, State, Command, Done,
                 Query, Answer>;

struct Envelope {
  SessionId session{};
  std::uint32_t seq = 0;
  Message message;
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

}  // namespace stint
