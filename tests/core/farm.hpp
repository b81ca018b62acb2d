// A broker, its workers and its clients on one thread, in virtual time. The real core; everything around it is
// scripted, and every message and timer is delivered by hand.
//
//   Farm farm;
//   FarmClient& ann = farm.client("ann");
//   FarmWorker& w1 = farm.worker({.name = "w1", .slots = 2});
//   const JobId job = ann.opens({.kind = "echo"});
//   ann.writes(job, {"a", "b", "c"});
//   w1.finishes_all();                        // as far as it holds tasks
//   CHECK(farm.job(job).number("done") == 2);
//
// Each message passes through the codec both ways. After every step the core's invariants are checked, and what is told
// is held against the promises: numbers within a session and a topic have no gaps, counts add up and never go back, an
// end is told once. What nobody expects by rule (an ERROR, HELLO_AGAIN, RECALL, DRAIN, BYE, DONE, ANSWER) lies in its
// receiver's mail until the test takes it; a farm that is torn down with mail left over fails its test.
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/broker.hpp"
#include "broker/core/outbox.hpp"
#include "common/wire/codec.hpp"
#include "tests/disk/disk.hpp"

namespace stint::broker {

class Farm;

// --- one end of a conversation
// ----------------------------------------------------------------------------------------------

class FarmPeer {
 public:
  FarmPeer(Farm& farm, Hello hello, PeerId address);
  FarmPeer(const FarmPeer&) = delete;
  FarmPeer& operator=(const FarmPeer&) = delete;
  virtual ~FarmPeer() = default;

  void greets();  // a new HELLO, under the next number
  void repeats_hello();
  void says(Message message);  // in session, under the next number
  void says_raw(Envelope envelope);
  void says_what_cannot_be_read() { says_what_cannot_be_read(session, ++sent_); }
  void says_what_cannot_be_read(SessionId in, std::uint32_t number);
  void loses_a_message() { ++sent_; }
  void beats();
  void leaves(const std::string& reason = {});
  void moves();  // a new connection: a new return address

  bool silent = false;  // sends no heartbeats and reads nothing
  bool deaf = false;    // what is sent to it is lost
  bool may_miss = false;  // it may find that a message has gone missing ...
  bool missed = false;    // ... and did

  const std::string& name() const { return welcome.name.empty() ? hello.name : welcome.name; }
  Incarnation incarnation() const { return hello.incarnation; }
  std::uint32_t last_sent() const { return sent_; }

  // The oldest message in the mail, which must be an M.
  template <class M>
  M takes() {
    REQUIRE_MESSAGE(!mail.empty(), name() << " has no mail");
    REQUIRE_MESSAGE(std::holds_alternative<M>(mail.front()), name() << " has other mail");
    M message = std::get<M>(std::move(mail.front()));
    mail.pop_front();
    return message;
  }
  template <class M>
  bool has() const {
    return !mail.empty() && std::holds_alternative<M>(mail.front());
  }
  ErrorCode takes_error() { return takes<Error>().code; }

  Hello hello;
  Welcome welcome;
  std::uint32_t welcomes = 0;
  SessionId session{};
  PeerId address{};
  std::deque<Message> mail;

  void receives(const Envelope& envelope);  // called by the farm

 protected:
  virtual bool absorbs(const Message& message) = 0;  // false: it goes to the mail
  virtual Heartbeat heartbeat() const { return {}; }
  virtual void before_hello() {}

  Farm& farm_;

 private:
  Gate gate_;
  std::uint32_t sent_ = 0;
};

// --- a worker
// ---------------------------------------------------------------------------------------------------------------

struct HeldTask {
  LeaseId lease{};
  JobId job{};
  Index index = 0;
  Attempt attempt = 1;
  Suspicion suspicion = Suspicion::none;
  std::string payload;
};

struct WorkerSpec {
  std::string name = "w";
  std::vector<std::string> kinds = {"echo"};
  std::uint32_t slots = 1;
  std::function<Duration(const HeldTask&)> pace = nullptr;  // set: it works by itself, and a task takes so long
};

class FarmWorker : public FarmPeer {
 public:
  FarmWorker(Farm& farm, WorkerSpec spec, Incarnation incarnation, PeerId address);

  std::vector<HeldTask> held;
  std::map<JobId, JobInfo> jobs;  // what it was told of
  std::uint32_t acked = 0;
  std::size_t messages_of_tasks = 0;  // TASKS received
  std::size_t runs = 0;               // tasks that it began or finished by hand

  bool holds(Index index) const { return find(index) != nullptr; }
  const HeldTask& task(Index index) const;
  std::vector<Index> indices() const;

  // By hand. A result is the payload, a failure's text is "no".
  void finishes(std::vector<Index> indices, Duration each = 1s);
  void finishes_all(Duration each = 1s);
  void fails(Index index, Failure code = Failure::failed);
  void releases(std::vector<Index> indices);
  void releases_all();
  void forgets(Index index);                // without telling: it will not name the task in its next HELLO
  void claims(LeaseId lease, Index index);  // a result, whether it holds the task or not
  void changes(std::vector<std::string> kinds, std::uint32_t slots);
  void dies() { silent = true; }

  // By itself (spec.pace): called by the farm.
  TimePoint next_finish() const;
  void works();

 private:
  struct Running {
    HeldTask task;
    TimePoint began{};
    TimePoint until{};
  };

  bool absorbs(const Message& message) override;
  Heartbeat heartbeat() const override;
  void before_hello() override;
  const HeldTask* find(Index index) const;
  HeldTask take(Index index);
  void starts_what_fits();

  WorkerSpec spec_;
  std::vector<Running> running_;
};

// --- a client
// ---------------------------------------------------------------------------------------------------------------

struct ReadResult {
  std::uint64_t position = 0;
  Index index = 0;
  Attempt attempt = 1;
  std::string worker;
  std::string result;
  std::string error;
  std::optional<Failure> failure;
};

struct Reading {
  std::vector<ReadResult> results;
  std::uint64_t number = 0;  // which everything that comes must repeat
  std::uint64_t next = 0;
  JobStatus status;
  std::size_t statuses = 0;
  bool ended = false;
  std::uint64_t window = 0;  // acknowledges by itself when not 0: invites so many beyond what it has
  std::vector<Index> indices() const;
};

class FarmClient : public FarmPeer {
 public:
  FarmClient(Farm& farm, std::string name, Incarnation incarnation, PeerId address);

  JobId opens(JobOptions options);                                 // 0: refused, the error is in the mail
  JobId runs(JobOptions options, std::vector<std::string> tasks);  // opens, writes, closes
  void submits(JobId job, Index first, const std::vector<std::string>& tasks, bool now = false);
  void writes(JobId job, const std::vector<std::string>& tasks);  // behind what it wrote before
  void writes(JobId job, std::size_t count);                      // "0", "1", ... in messages of a thousand
  void closes(JobId job);
  void attaches(Attach attach);  // the windows default to plenty
  void reads(JobId job, std::uint64_t window = 0,
             bool order = false);  // from the start; acknowledging by itself when window > 0
  void acks(JobId job, std::uint64_t upto, std::uint64_t limit);
  void detaches(JobId job) { says(Detach{job}); }
  std::vector<std::string> commands(Command command);  // what was affected; with an error in the mail: empty
  std::vector<std::string> commands(const std::string& verb, JobId job);
  std::vector<Row> asks(const std::string& what, const std::string& selector = {});

  std::map<JobId, Opened> opened;
  std::map<JobId, Accepted> accepted;
  std::size_t acceptances = 0;
  std::map<JobId, Reading> reading;
  std::map<JobId, Index> written;
  std::uint64_t last_req = 0;

 private:
  bool absorbs(const Message& message) override;
  void read(const JobResults& results);

  std::optional<Opened> just_opened_;
};

// --- the whole
// --------------------------------------------------------------------------------------------------------------

class Farm {
 public:
  explicit Farm(const Options& options = quick());
  ~Farm();

  static Options quick();  // heartbeats of 100 ms

  FarmWorker& worker(WorkerSpec spec);
  FarmClient& client(const std::string& name);
  const std::vector<std::unique_ptr<FarmWorker>>& workers() const { return workers_; }

  void passes(Duration time);  // time goes by; everybody who is not silent beats
  bool passes_until(const std::function<bool()>& done, Duration at_most = 1h);
  void broker_sleeps(Duration time);  // heartbeats arrive meanwhile, unread
  void is_unreachable(const FarmPeer& peer);
  void cannot_read(const FarmPeer& from, SessionId session, std::uint32_t number);
  void broker_restarts();  // killed, with what it had not committed; in memory the next one knows nothing and has another store
  void copies_disk() { copy_ = {disk_, options_.epoch}; }
  void broker_restarts_from_copy();
  void fills_disk(const std::string& reason);  // empty: there is room again
  void shuts_down();

  void holds_commits() { commits_held_ = true; }
  void commits();  // everything so far, and at once from now on
  void holds_reads() { reads_held_ = true; }
  void reads_back();  // what was wanted so far, as it was then, and at once from now on
  bool has_uncommitted() const { return pending_.has_value(); }

  void subscribes(const std::string& topic);
  void unsubscribes(const std::string& topic);
  std::vector<Event> events(std::string_view topic, std::string_view name = {}) const;
  const std::vector<Event>& all_events() const { return events_; }

  std::vector<Row> asks(const std::string& what, const std::string& selector = {});  // as a client would
  Row job(JobId id);
  std::vector<std::string> log;

  TimePoint now{};
  Broker broker;

  // For the peers.
  void to_broker(const FarmPeer& from, Envelope envelope);
  PeerId next_address() { return PeerId{++last_address_}; }

 private:
  void settles();
  void deliver(Action& action);
  void check(const Event& event);
  void turn();
  TimePoint next_moment(TimePoint end) const;
  void starts_anew();

  struct Copy {
    Disk disk;
    std::uint64_t epoch = 0;
  };

  Options options_;
  Disk disk_;
  Copy copy_;
  std::vector<Change> unstored_;
  std::vector<Fetched> read_;  // and not answered
  bool reads_held_ = false;
  Outbox out_;
  std::deque<std::pair<PeerId, Envelope>> underway_;
  std::size_t unchecked_ = 0;
  bool settling_ = false;
  bool commits_held_ = false;
  bool sleeping_ = false;
  std::optional<CommitId> pending_;
  std::vector<std::unique_ptr<FarmWorker>> workers_;
  std::vector<std::unique_ptr<FarmClient>> clients_;
  std::map<PeerId, FarmPeer*> by_address_;
  FarmClient* asker_ = nullptr;
  std::vector<Event> events_;
  std::map<std::string, Event> last_event_;
  std::vector<std::string> subscriptions_;
  std::uint32_t last_address_ = 0;
  std::uint64_t last_incarnation_ = 0;
  TimePoint next_beat_{};
  Duration heartbeat_;

  friend class FarmPeer;
};

std::vector<std::string> numbered(std::size_t count, std::size_t first = 0);

}  // namespace stint::broker
