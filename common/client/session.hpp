// The client's side of its conversation with the broker: jobs being written and read, commands, questions, and making
// all of them good after each greeting. Pure: messages and time come in, actions go out.
//
//   Session session({.name = "submit", .incarnation = self, .random = bits}, now);
//   session.open(now, job, options, out);       // from the user; answered by JobOpened or JobFailed
//   session.submit(now, job, batch, out);       // as session.appetite(job) allows
//   session.step(now, envelope, out);           // for each message that was read
//   session.drained(now, out);                  // the socket was empty
//   session.tick(now, out);                     // once a turn
//   ... carry out what `out` holds, sleep until session.next_deadline() at most
//
// A task passes through submit(), Writer (session_writer.hpp), `Send`; its result through on_results(), Reader
// (session_reader.hpp), `ResultsArrived`, consumed(). After each WELCOME make_good() repeats what the broker must know:
// OPEN by key, then the tasks from OPENED.next on, CLOSE, ATTACH with the position, COMMANDs under their old number.
//
// Not thread-safe: one loop owns it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>

#include "common/client/session_outbox.hpp"
#include "common/client/session_reader.hpp"
#include "common/client/session_writer.hpp"
#include "common/session/conversation.hpp"

namespace stint::client {

struct Self {
  std::string name;
  Incarnation incarnation{};
  std::uint64_t random = 0;
};

// 128 bits as a job's key.
std::string draw_key(std::uint64_t high, std::uint64_t low);

class Session {
 public:
  Session(Self self, TimePoint now);

  // From the broker, and the time.
  void step(TimePoint now, const Envelope& envelope, Outbox& out);
  void drained(TimePoint now, Outbox& out);
  void tick(TimePoint now, Outbox& out);
  TimePoint next_deadline() const;
  void shut_down(TimePoint now, Outbox& out);  // says goodbye; nothing is due afterwards

  // From the user. `job` is a number that the caller chose and does not use again.
  void open(TimePoint now, Handle job, JobOptions options, Outbox& out);  // Requires: a key
  void attach(Handle job, JobId id);                                      // a job of others
  void submit(TimePoint now, Handle job, Batch tasks, Outbox& out);
  void hurry(Handle job);  // someone waits until everything is accepted
  void ask(TimePoint now, Handle job, Outbox& out);  // after it, and after the last submit(): how far it is
  void close(TimePoint now, Handle job, Outbox& out);
  void read(TimePoint now, Handle job, const Reading& reading, Outbox& out);
  void consumed(TimePoint now, Handle job, std::uint64_t upto, Outbox& out);
  void detach(TimePoint now, Handle job, Outbox& out);
  void forget(TimePoint now, Handle job, Outbox& out);  // no user holds it: dropped once what was written is accepted
  RequestId command(TimePoint now, Command command, Outbox& out);  // answered by Replied
  RequestId query(TimePoint now, Query query, Outbox& out);        // the same, with all pages

  // What the caller has to know of a job; of one that does not exist: nothing, 0.
  Appetite appetite(Handle job) const;
  std::uint64_t ack_at(Handle job) const;
  std::size_t jobs() const { return jobs_.size(); }

  bool in_session() const { return broker_.in_session(); }
  const Conversation& conversation() const { return broker_; }

 private:
  struct Job {
    Handle handle{};
    JobId id{};                         // 0: OPEN was not answered yet
    std::optional<JobOptions> options;  // a job of ours; none: only read
    RequestId open_request{};
    Writer writer;
    Reader reader;
    std::uint32_t attach_seq = 0;  // number of its last ATTACH in this session
    std::uint32_t sent_from = 0;   // number from which on an ERROR is about what was sent since the writer went back
    bool writing = false;          // a job of ours that still takes tasks
    bool taken_back = false;       // from another writer, in this session
    bool dead = false;             // nothing more can come of it
    bool forgotten = false;
    bool stalled = false;
  };
  struct Question {
    RequestId request{};  // the caller's number; each page has one of its own on the wire
    Query query;
    std::vector<Row> rows;
  };

  // One for each message from the broker.
  void on_welcome(TimePoint now, Outbox& out);
  void on_opened(TimePoint now, const Opened& opened, Outbox& out);
  void check_writer(TimePoint now, Job& job, const std::optional<Problem>& problem, Outbox& out);
  void on_accepted(TimePoint now, const Accepted& accepted, Outbox& out);
  void on_results(JobResults results, Outbox& out);
  void on_status(TimePoint now, const JobStatus& status, Outbox& out);
  void on_done(const Done& done, Outbox& out);
  void on_answer(TimePoint now, const Answer& answer, Outbox& out);
  void on_error(TimePoint now, const Error& error, Outbox& out);
  void on_request_error(TimePoint now, const Error& error, Outbox& out);
  void on_job_error(TimePoint now, Job& job, const Error& error, Outbox& out);

  void dispatch(TimePoint now, const Envelope& envelope, Outbox& out);
  void notice_loss(Outbox& out);
  void drop_what_the_store_lost(Outbox& out);
  void make_good(TimePoint now, Job& job, Outbox& out);
  void say_hello(TimePoint now, Outbox& out);
  void send_open(TimePoint now, Job& job, Outbox& out);
  void send_tasks(TimePoint now, Job& job, Outbox& out);
  void send_attach(TimePoint now, Job& job, Outbox& out);
  void send_ack(TimePoint now, Job& job, Outbox& out);
  void send_due_acks(TimePoint now, Outbox& out);
  void stop_reading(TimePoint now, Job& job, Outbox& out);
  void ask_next(TimePoint now, Outbox& out);
  std::uint32_t send(TimePoint now, Message message, Outbox& out);  // the number that it got
  void fail(Job& job, const Problem& problem, Outbox& out);
  void tell_stalled(Job& job, const std::string& reason, Outbox& out);
  void remove_if_done(Handle job);

  Job* find(Handle job);
  const Job* find(Handle job) const;
  Job* find(JobId id);

  Self self_;
  Conversation broker_;
  bool was_in_session_ = false;
  std::uint64_t last_request_ = 0;
  std::uint64_t readings_ = 0;  // the number of the next one
  std::map<Handle, Job> jobs_;
  std::unordered_map<std::uint64_t, Handle> by_id_;
  std::map<RequestId, Handle> opening_;
  std::map<RequestId, Command> commands_;  // not answered, in the order in which they were given
  std::deque<Question> questions_;         // the first one is under way
  TimePoint ack_due_ = TimePoint::max();
};

}  // namespace stint::client
