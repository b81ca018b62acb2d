// The broker's state machine: jobs, peers, leases, dispatch. Pure: messages, time and commits come in, actions go out.
//
//   Broker broker(options);
//   broker.step(now, from, envelope, out);   // for each message read from the socket
//   broker.drained(now);                     // the socket was empty, or each peer had its turn
//   broker.tick(now, out);                   // once a turn
//   ... the shell carries out what `out` holds; after its Store actions are durable:
//   broker.committed(commit, out);           // and again, until the outbox stays empty
//   sleep at most until broker.next_deadline();
//
// One task passes through on_open.cpp, on_submit.cpp, dispatch.cpp, on_results.cpp, deliver.cpp, in this order. What the broker has
// decided changes in these handlers; what it tells waits in `effects_` until the store has committed what it rests on (effects.cpp).
// Not thread-safe: one loop owns it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/core/effects.hpp"
#include "broker/core/events.hpp"
#include "broker/core/job.hpp"
#include "broker/core/lease.hpp"
#include "broker/core/options.hpp"
#include "broker/core/outbox.hpp"
#include "broker/core/peer.hpp"
#include "broker/core/scheduler.hpp"
#include "broker/core/timers.hpp"
#include "broker/core/worker.hpp"
#include "common/model/limits.hpp"
#include "common/session/liveness.hpp"

namespace stint::broker {

class Broker {
 public:
  explicit Broker(const Options& options);
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  ~Broker();

  void restore(TimePoint now, Found found, Outbox& out);  // what the store held at the start; once, before anything else
  void step(TimePoint now, PeerId from, const Envelope& envelope, Outbox& out);
  void refused(TimePoint now, PeerId from, SessionId session, Error error, Outbox& out);  // a message that is none
  void unreachable(TimePoint now, PeerId peer, Outbox& out);  // the socket knows this address no more
  void drained(TimePoint now);
  void tick(TimePoint now, Outbox& out);
  std::optional<TimePoint> next_deadline() const;
  void committed(CommitId upto, Outbox& out);
  void fetched(Fetched fetched, Outbox& out);                // the store has read back what a Fetch action asked for
  void store_full(std::string reason, Outbox& out);          // no new tasks can be stored; empty: there is room again
  void subscribed(TimePoint now, std::string_view topic, bool on, Outbox& out);  // the state is told by the next tick()
  void shut_down(TimePoint now, Outbox& out);  // says goodbye to everyone; Finished ends the outbox

  std::size_t peers() const { return peers_.size(); }
  bool has_open_jobs() const { return jobs_.size() > ended_.size(); }
  void check_invariants() const;      // everything, O(ledger_size()): for tests, after every step
  std::size_t ledger_size() const { return jobs_.size() + leases_.size() + workers_.size(); }

 private:
  friend struct Tampering;  // of the tests: breaks promises, to see that it is noticed

  // A public call: binds time and outbox for its duration, and settles what it has stirred up at its end.
  class Call;
  void settle();
  void check(const Job& job) const;        // what one batch may have broken, in a few comparisons
  void check(const Worker& worker) const;

  // --- greeting and life: on_hello.cpp, peers.cpp ---
  void on_hello(PeerId from, const Hello& hello);
  bool refuse(PeerId from, const Hello& hello);
  static std::string complaint_about(const std::vector<std::string>& kinds);  // empty: a worker may offer these
  void greet(Peer& peer, PeerId from, const Hello& hello, std::vector<Drop> drop);
  void move_to(Peer& peer, PeerId address);
  void join(PeerId from, const Hello& hello);
  void rejoin(Worker& worker, PeerId from, const Hello& hello);
  void advertise(Worker& worker, const std::vector<std::string>& kinds, std::uint32_t slots, bool draining);
  void set_slots(Worker& worker, std::uint32_t slots);
  std::vector<Drop> reconcile(Worker& worker, const Hello& hello);
  std::vector<Run> reconcile_lease(Worker& worker, const HeldLease& held);
  std::vector<Run> adopt(Worker& worker, const HeldLease& held);
  void take_from(LeaseId older, Index index);
  bool is_older(LeaseId lease) const;  // than a restart, or handed out since
  std::string unique_name(const Hello& hello);
  void set_unreachable(Peer& peer);
  void say_hello_again(PeerId to, std::string_view reason);
  void on_bye(Peer& peer, const Bye& bye);
  void on_heartbeat(Worker& worker, const Heartbeat& heartbeat);
  TimePoint together(TimePoint due) const;
  void beat(Peer& peer);
  void look_for(Peer& peer);
  void expire(Peer& peer);
  void remove(Peer& peer, Duration writer_grace);
  Peer* find_peer(PeerId address) const;
  Peer* find_peer(SessionId session) const;
  Worker* find_worker(Incarnation incarnation) const;
  Client* find_client(Incarnation incarnation) const;
  Duration heartbeat_interval() const;
  std::uint32_t new_heartbeat_ms(Peer& peer);

  void say(Peer& peer, Message message);
  void reject(Peer& peer, ErrorCode code, std::string text, std::uint64_t expected = 0);
  void handle(Client& client, const Message& message);
  void handle(Worker& worker, const Message& message);

  // --- jobs: on_open.cpp, on_submit.cpp, jobs.cpp ---
  void on_open(Client& client, const Open& open);
  Job& make_job(JobId id, const JobOptions& options);
  void on_submit(Client& client, const Submit& submit);
  void accept(Job& job, Batch tasks, bool now);
  void on_close(Client& client, const Close& close);
  Job* find_job(JobId id) const;
  void stir_open_jobs();
  Job* written_by(Client& client, JobId id);  // rejects and returns null when it is not the client's to write
  void take_over(Client& client, Job& job);
  void release_writer(Job& job, Duration grace);
  void look_for_writer(Job& job);
  bool is_abandoned(const Job& job) const;  // nobody is left who would close it
  bool fits_window(const Job& job, const Batch& tasks) const;
  void move(Job& job, std::optional<TaskState> from, TaskState to, std::uint64_t count);
  void count_ends(Job& job, std::uint64_t done, std::uint64_t failed);
  void end_if_done(Job& job);
  void end_told(Job& job);
  void close(Job& job);
  void pause(Job& job, std::string reason);
  void resume(Job& job);
  void cancel(Job& job, std::string reason);
  void forget(Job& job);
  void forget_oldest();
  void put(const Job& job);
  void drop_ended(Job& job);

  // --- the writer's window, and standing still: windows.cpp, standing.cpp ---
  Window window_of(const Job& job) const;
  void offer_window(Job& job);
  void set_window(Job& job, Window window);
  void tell_accepted(Job& job);
  Index fresh_limit(const Job& job) const;
  bool are_kept_results_full(const Job& job) const;
  void reserve(Job& job);
  Standing standing_of(const Job& job) const;
  void note_standing(Job& job);
  void tell_standing(Job& job);

  // --- leases: dispatch.cpp, on_results.cpp, on_release.cpp ---
  void dispatch(Worker& worker);
  void dispatch(Job& job);
  bool grant_next(Worker& worker);
  void fill_ahead(Worker& worker);
  void dispatch_ahead(Job& job, Room room);
  bool grant_ahead(Worker& worker, Job& job);
  bool grant(Worker& worker, Job& job, std::uint32_t most = UINT32_MAX);
  std::uint32_t fair_share(const Worker& worker, const Job& job, const Job& next) const;
  bool grant_alone(Worker& worker, Job& job);
  void dispatch_reserved(Worker& worker);
  void end_reservation(Worker& worker);
  std::uint32_t grant_waiting(Worker& worker, Job& job, Suspicion suspicion, std::uint32_t most);
  std::uint32_t grant_fresh(Worker& worker, Job& job, std::uint32_t most);
  std::uint32_t wanted_by(const Worker& worker, const Job& job) const;
  bool has_byte_room(const Worker& worker) const;
  void hand_out(Worker& worker, Job& job, Tasks tasks);
  void inform(Worker& worker, Job& job);
  void recall_hoarded();
  bool wants_room(const Job& job) const;
  void slow_down(Worker& worker, Job& job, Duration silence);
  void remember(Worker& worker, std::unique_ptr<Lease> lease);
  void hold(Worker& worker, JobId id, std::int64_t count);
  void measure(Worker& worker, Job& job, std::uint64_t micros, std::uint32_t count);
  void update_room(Worker& worker);
  bool may_go(const Job& job) const;
  void update_ready(Job& job);

  void on_results(Worker& worker, const LeaseResults& results);
  void acknowledge(Worker& worker);
  void end_tasks(Worker& worker, Job& job, const Lease& lease, Outcomes outcomes);
  Outcomes without_retries(Worker& worker, Job& job, LeaseId lease, const Outcomes& outcomes);
  bool retry(Worker& worker, Job& job, LeaseId lease, Index index, Failure code);
  void wake_delayed(Job& job);
  std::vector<std::pair<Index, Blob>> keep_dead_letters(Job& job, const Outcomes& outcomes);
  static JobResults kept_of(const Job& job, JobResults results);
  void decide(Job& job, JobResults results);
  void on_release(Worker& worker, const Release& release);
  void on_progress(Worker& worker, const Progress& progress);
  void on_state(Worker& worker, const State& state);
  void take_back(Lease& lease, Run run);
  void give_back(Lease& lease);
  void lose(Worker& worker);
  void lose(Lease& lease, Job& job, Worker& worker);
  void let_go(Worker& worker, const Lease& lease, std::uint64_t count);
  void drop_lease(Lease& lease);
  void settle_lease(Lease& lease);

  // --- readers: on_attach.cpp, deliver.cpp ---
  void on_attach(Client& client, const Attach& attach);
  void on_ack(Client& client, const Ack& ack);
  void on_detach(Client& client, const Detach& detach);
  bool number_reader(Client& client, Job& job, const Attach& attach, Reader& reader);
  void consume(Job& job, std::uint64_t upto);
  void leave_readers(Client& client);
  void deliver(Job& job);
  void deliver(Job& job, Reader& reader);
  std::optional<JobResults> held_piece(const Job& job, const Reader& reader) const;
  std::optional<JobResults> stored_piece(Job& job, Reader& reader);
  void retain(Job& job, JobResults results);
  std::string status_text(const Job& job) const;
  void tell_status(Job& job, Reader& reader);

  // --- steering: on_command.cpp, on_query.cpp ---
  void on_command(Client& client, const Command& command);
  void on_query(Client& client, const Query& query);
  void remember(Incarnation client, const Done& done);
  bool run_job_command(Client& client, const Command& command, Done& done);
  bool run_retry(Client& client, const Command& command, Done& done);
  bool run_drain(Client& client, const Command& command, Done& done, std::vector<DrainOrder>& drained);
  void drain(Worker& worker, std::uint32_t deadline_ms);
  std::vector<Job*> select_jobs(std::string_view selector) const;
  Job* select_job(Client& client, std::string_view selector);  // rejects and returns null when it is not one
  Row row_of(const Job& job) const;
  Row row_of(const Worker& worker) const;
  Row row_of_broker() const;

  // --- what was decided is told: effects.cpp ---
  void when_committed(Effect effect);
  void change(Change change);
  void apply(const JobOpened& opened);
  void apply(const TasksAccepted& accepted);
  void apply(const CountsMoved& moved);
  void apply(const TasksEnded& ended);
  void apply(const JobChanged& changed);
  void apply(ResultsDecided& decided);
  void apply(const WorkerAnswered& answered);
  void apply(const Asked& asked);
  void apply(const CommandDone& command);
  void apply(const TasksReserved& reserved);
  void apply(const WorkerDrained& drained);
  void apply(const Welcomed& welcomed);

  // --- what the store holds: restore.cpp, paging.cpp ---
  void restore(FoundJob found);
  void restore_results(Job& job, FoundJob& found);
  void hand_out_unclaimed();
  void page_out(Job& job);
  void read_ahead(Job& job);
  void take_in(FetchedTasks fetched);
  void take_in(FetchedResults fetched);
  bool is_store_behind() const { return uncommitted_bytes_ >= limits::kMaxUncommittedBytes; }

  // --- events: tell.cpp ---
  void tell(const Job& job, std::string_view event);
  void tell(const Worker& worker, std::string_view event, Row more = {});
  void tell_step(const Job& job, std::string_view event, const Indices& indices, std::string_view worker);
  void tell_outcomes(const Job& job, const JobResults& results);
  void tell_progress(Job& job);
  void tell_states();

  void on_timer(const Timer& timer);

  Options options_;
  TimePoint now_{};
  Outbox* out_ = nullptr;
  WakingClock awake_;
  TimePoint drained_{};        // on the waking clock
  std::uint64_t random_;
  std::uint32_t current_seq_ = 0;  // of the message being handled
  RequestId current_req_{};
  JobId current_job_{};
  bool shutting_down_ = false;
  TimePoint claims_end_{};  // so long after a restart what may have been handed out waits for workers that come back with it

  std::unordered_map<Incarnation, std::unique_ptr<Peer>> peers_;
  std::unordered_map<PeerId, Peer*> by_address_;
  std::map<SessionId, Peer*> by_session_;  // in the order of their greetings
  std::map<std::string, Worker*, std::less<>> workers_;  // by name
  std::unordered_set<PeerId> told_again_;                // HELLO_AGAIN, in this turn
  std::uint32_t last_session_;  // begins elsewhere with each start: what was said to the one before must not be taken for ours
  std::uint64_t last_name_ = 0;

  std::map<JobId, std::unique_ptr<Job>> jobs_;
  std::unordered_map<std::string, Job*> by_key_;
  std::deque<JobId> ended_;         // oldest first
  std::uint64_t last_job_ = 0;
  std::unordered_map<LeaseId, std::unique_ptr<Lease>> leases_;
  std::uint64_t last_lease_ = 0;
  std::uint64_t dispatches_ = 0;
  std::uint64_t backlog_bytes_ = 0;  // payloads accepted and not handed out
  std::uint64_t kept_bytes_ = 0;     // results that no reader consumes
  std::uint64_t letter_bytes_ = 0;   // payloads of failed tasks
  std::set<JobId> leased_jobs_;      // that have leases which are not revoked
  std::uint64_t hoarded_ = 0;        // tasks that workers hold beyond their slots
  bool recall_waits_ = false;        // a reminder is set
  std::uint64_t late_ = 0;           // results that came too late and changed nothing
  std::set<JobId> closed_windows_;   // jobs whose writer was told to wait

  Scheduler scheduler_;
  Timers timers_;
  Events events_;
  std::set<std::string> states_due_;   // topics whose present state is told at the end of this turn

  CommitId last_commit_{};
  CommitId committed_{};
  std::deque<std::pair<CommitId, std::uint64_t>> uncommitted_;  // changes with payloads, and how many bytes
  std::uint64_t uncommitted_bytes_ = 0;
  std::string store_full_;             // why no new tasks are taken in; empty: there is room
  std::deque<std::pair<CommitId, Effect>> effects_;
  std::set<JobId> stirred_jobs_;       // whose readiness, readers or windows may have changed
  std::set<Incarnation> stirred_workers_;

  std::map<std::pair<Incarnation, RequestId>, Done> answers_;  // to commands, for their repetition
  std::deque<std::pair<Incarnation, RequestId>> answered_;     // oldest first
  std::map<Incarnation, std::uint32_t> drain_orders_;          // deadlines of workers told to drain, until they have left
};

}  // namespace stint::broker
