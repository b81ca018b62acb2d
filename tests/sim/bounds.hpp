// How much of anything may be under way, and whose turn it is, overheard at the broker's door.
//
// - A reader is sent no more than it has room for; nor is a worker. A writer keeps to its window. One that waits for room is told when
//   there is some.
// - A worker knows of a job before it is given tasks of it.
// - A job that waits is not passed over: not by another of its priority for long, nor by one of a lower priority; nor does it
//   wait while a worker that could do it has nothing to do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/model/messages.hpp"
#include "tests/sim/world.hpp"

namespace stint::sim {

class Bounds {
 public:
  explicit Bounds(World& world) : world_(world) {}

  void heard(Incarnation from, const Envelope& envelope);
  void said(Incarnation to, const Envelope& envelope);
  void opened(JobId job, const JobOptions& options, bool may_go);  // or its state has changed
  void committed(JobId job, Index upto);
  void reserved(JobId job, Index upto);  // tasks below may be handed out, as far as they are committed
  void lost(Incarnation peer);  // a worker's tasks are suspects now
  void written(JobId job);  // closed, cancelled or ended
  void beat(std::uint64_t backlog_bytes);  // of all jobs; told once an interval
  bool nothing_is_held() const;  // by any worker that is there

 private:
  using ReaderKey = std::pair<Incarnation, JobId>;
  struct Reader {
    std::uint64_t next = 0;         // a position
    std::uint64_t limit_tasks = 0;  // another one
    std::uint64_t limit_bytes = 0;
    std::uint64_t unacked_bytes = 0;
    bool displaced = false;
    std::uint64_t acked = 0;  // since it attached; perhaps before what it acknowledges is sent once more
    std::deque<std::pair<std::uint64_t, std::uint64_t>> in_flight;  // (position behind it, bytes)
  };
  struct Lease {
    Incarnation worker{};
    JobId job{};
    std::uint64_t bytes = 0;
    std::uint64_t open = 0;
    Suspicion suspicion = Suspicion::none;
  };
  struct Turn {
    Incarnation worker{};
    JobId job{};
    TimePoint at{};
    friend bool operator==(const Turn&, const Turn&) = default;
  };
  struct Worker {
    std::vector<std::string> kinds;
    std::uint32_t slots = 0;
    bool draining = false;
    bool drained = false;    // asked to leave: it gets nothing more
    bool is_away = false;    // it left, or greets and is not welcomed: what is said to it still belongs to the session before
    std::uint64_t held = 0;  // tasks; at least
    TimePoint since{};       // of all this
  };
  struct Job {
    std::string kind;
    std::int32_t priority = 0;
    bool waits_for_readers = false;
    bool may_go = false;
    Index committed = 0;
    Index reserved = 0;
    Index handed = 0;
    std::uint64_t open = 0;         // tasks of it that workers have
    std::uint64_t suspects = 0;     // tasks that wait for a free slot, since they were lost once; at least
    std::uint64_t passed_over = 0;  // since it waits, so many others were served
    TimePoint since{};              // of all this

    bool waits() const {
      return may_go && !waits_for_readers && open == 0 && (handed < std::min(committed, reserved) || suspects > 0);
    }
  };

  struct Window {
    SessionId session{};      // in which it was told
    std::uint64_t limit = 0;  // tasks
  };
  struct Waiting {
    Incarnation writer{};
    unsigned beats = 0;  // in a row, at which there was room
  };

  void heard(Incarnation from, SessionId session, const Submit& submit);
  void waits(Incarnation writer, const Accepted& accepted);
  void forget(Incarnation peer);
  void may_send(Incarnation writer, SessionId session, JobId job, std::uint64_t limit);
  void heard(Incarnation from, const Attach& attach);
  void heard(Incarnation from, const Ack& ack);
  void said(Incarnation to, const JobResults& results);
  void said(Incarnation to, const Envelope& envelope, const Tasks& tasks);
  void keeps(Incarnation worker, const HeldLease& held);
  void ended(LeaseId lease, std::uint64_t count);
  void forget_leases(Incarnation worker);
  bool may_wait_for_store() const;
  void check_turn(Incarnation to, const Tasks& tasks);
  void check_idle(Incarnation worker);
  void offers(Incarnation worker, const std::vector<std::string>& kinds, std::uint32_t slots, bool draining);

  World& world_;
  std::map<std::pair<Incarnation, JobId>, Window> windows_;  // of writers
  std::map<JobId, Waiting> waiting_;  // their writers were told to wait
  std::set<JobId> written_;
  std::map<ReaderKey, Reader> readers_;
  std::map<JobId, std::uint64_t> consumed_;  // by any reader; at most
  std::map<LeaseId, Lease> leases_;
  std::map<Incarnation, std::uint64_t> bytes_;  // of the leases of each worker
  std::map<Incarnation, Worker> workers_;
  std::map<Incarnation, std::uint32_t> greetings_;  // the number of the last one
  std::map<SessionId, std::set<JobId>> informed_;
  std::map<JobId, Job> jobs_;
  Turn turn_;  // the last one
};

}  // namespace stint::sim
