// The worker's side of the protocol: what it holds, what it owes, and when it may leave. Pure: it is handed the time,
// messages, and what became of tasks; what is to be done about it comes out as actions.
//
//   Session session(options, now);
//   session.tick(now, out);                              // at the latest at session.next_deadline()
//   session.step(now, envelope, out);                    // each message that arrives
//   session.drained(now, out);                           // the socket was empty
//   session.ended(now, ticket, outcomes, out);           // what the executor has to tell
//   session.given_back(now, ticket, runs, out);
//   session.busy(now, load, out);
//   for (Action& action : out) ...                       // run tasks, stop them, send, leave: see actions.hpp
//
// What it promises:
// - Everything held is named in each HELLO; each RELEASE and each acknowledged result takes something off that list,
//   and nothing else does, but for a broker with another store, with which all is dropped.
// - Results are kept until they are acknowledged and sent again after each welcome. While more of them than the
//   broker's limit is kept, no further task is started.
// - Losing the broker stops nothing: what runs goes on.
// - Leaving means: give back what has not started, finish what runs, have the results acknowledged, say BYE. Each of
//   these waits has an end.
//
// One thread; values only, so that tests live in virtual time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/model/messages.hpp"
#include "common/session/conversation.hpp"
#include "worker/core/actions.hpp"
#include "worker/core/held_tasks.hpp"
#include "worker/core/unacknowledged.hpp"

namespace stint::worker {

// Exit codes, the same in all of Stint's programs.
constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitRefused = 6;
constexpr int kExitInterrupted = 130;

struct SessionOptions {
  std::string broker;  // what people call it, for the lines that they read: an endpoint
  std::string name;    // empty = the broker makes one up
  std::vector<std::string> kinds;
  std::uint32_t slots = 1;
  Incarnation incarnation{};
  std::uint64_t random = 0;  // seeds the jitter of reconnecting
};

// What the executor does at a moment.
struct Load {
  struct Running {
    unsigned slot = 0;
    Ticket ticket{};
    Index index = 0;
    TimePoint since{};
    std::optional<TimePoint> told{};  // when it was told that it is over time
  };
  std::vector<Running> running;
  std::uint32_t queued = 0;  // not started
};

std::string counted(std::uint64_t count, const std::string& noun);  // "1 task", "2 tasks"

class Session {
 public:
  Session(SessionOptions options, TimePoint now);

  void step(TimePoint now, const Envelope& envelope, Outbox& out);
  void drained(TimePoint now, Outbox& out);
  void tick(TimePoint now, Outbox& out);
  TimePoint next_deadline() const;

  // From the executor. What it says of a ticket that is no longer known changes nothing.
  void ended(TimePoint now, Ticket ticket, Outcomes outcomes, Outbox& out);
  void given_back(TimePoint now, Ticket ticket, const std::vector<Run>& runs, Outbox& out);
  void progress(TimePoint now, Ticket ticket, Index index, double fraction, std::string text, Outbox& out);
  void busy(TimePoint now, Load load, Outbox& out);
  void slot_lost(TimePoint now, const std::string& why, Outbox& out);

  // From the worker's owner.
  void offer(TimePoint now, std::vector<std::string> kinds, std::uint32_t slots, Outbox& out);
  void drain(TimePoint now, Duration deadline, const std::string& why, Outbox& out);  // a deadline of zero is none
  void leave_at_once(TimePoint now, int code, const std::string& why, Outbox& out);

  bool in_session() const { return conversation_.in_session(); }
  bool left() const { return left_; }
  const Unacknowledged& unacknowledged() const { return results_; }

 private:
  struct Lease {
    LeaseId id{};
    std::shared_ptr<const JobInfo> job;
    HeldTasks tasks;
    std::uint32_t unanswered = 0;  // RECALLs to which not even an empty RELEASE was said
  };

  // A ticket of a broker whose store is lost: nothing of it is reported, but a handler that does not stop keeps its slot.
  struct Orphan {
    std::uint32_t time_limit_ms = 0;
    bool stopped = false;  // the executor has answered: what does not run now never will
  };

  void greet(TimePoint now, Outbox& out);
  Hello hello() const;
  void send(TimePoint now, Message message, Outbox& out);
  void say_state(TimePoint now, Outbox& out);
  void welcomed(TimePoint now, Outbox& out);
  void lost(Outbox& out);
  void say_unreachable(Outbox& out);
  void handle(TimePoint now, const Message& message, Outbox& out);

  void on(TimePoint now, const Tasks& tasks, Outbox& out);
  void on(TimePoint now, const JobInfo& info, Outbox& out);
  void on(TimePoint now, const ResultsAck& ack, Outbox& out);
  void on(TimePoint now, const Heartbeat& heartbeat, Outbox& out);
  void on(TimePoint now, const Recall& recall, Outbox& out);
  void on(TimePoint now, const Drain& drain, Outbox& out);
  void on(TimePoint now, const Error& error, Outbox& out);
  template <class Other>
  void on(TimePoint, const Other&, Outbox&) {}  // not for a worker

  void drop_everything(Outbox& out);
  void drop(TimePoint now, const Drop& drop, Outbox& out);
  void recall(TimePoint now, LeaseId lease, const std::vector<Run>& runs, RecallMode mode, Outbox& out);
  void stop(Ticket ticket, Lease& lease, const std::vector<Run>& runs, RecallMode mode, Outbox& out);
  void send_results(TimePoint now, Unacknowledged::Entry& entry, Outbox& out);
  void acknowledge(TimePoint now, std::uint32_t upto, Outbox& out);
  void regulate(Outbox& out);
  void watch_time(TimePoint now, Outbox& out);
  std::uint32_t time_limit_ms(Ticket ticket) const;  // 0: none
  void forget_orphans();
  void forget_if_empty(std::unordered_map<Ticket, Lease>::iterator at);

  bool can_run(const Tasks& tasks) const;
  std::uint32_t count(Phase phase) const;
  void enforce_deadline(TimePoint now, Outbox& out);
  void leave_if_done(TimePoint now, Outbox& out);

  SessionOptions options_;
  Conversation conversation_;
  State said_;  // what the broker was told last, by HELLO or STATE
  bool said_unreachable_ = false;
  bool was_in_session_ = false;
  bool was_welcomed_ = false;

  std::unordered_map<JobId, std::shared_ptr<const JobInfo>> jobs_;
  std::unordered_map<Ticket, Lease> leases_;
  std::unordered_map<LeaseId, Ticket> tickets_;
  std::uint64_t last_ticket_ = 0;
  Unacknowledged results_;
  bool held_back_ = false;
  Load load_;
  std::uint32_t limited_ = 0;  // leases whose job has a time limit
  std::unordered_map<Ticket, Orphan> orphans_;
  TimePoint overtime_check_ = TimePoint::max();

  bool draining_ = false;
  TimePoint answer_by_{};  // draining: the answer to a HELLO that did not say so is waited for no longer; TimePoint{}: there is none
  std::string why_;
  int exit_code_ = kExitOk;
  std::uint64_t kept_ = 0;                    // draining: tasks that still ended with a result that counts
  TimePoint stop_at_ = TimePoint::max();      // draining: what still runs is stopped
  TimePoint give_up_at_ = TimePoint::max();   // draining: what was stopped is waited for no longer
  TimePoint farewell_at_ = TimePoint::max();  // draining: acknowledgements are waited for no longer
  bool left_ = false;
};

}  // namespace stint::worker
