// What was promised, held against what clients, workers and watchers saw. It knows the plans (what was to be done) and
// nothing of how the broker works.
//
// - A task is run again only when a loss, a failure or a stop explains it; its attempts count up. A retry waits first,
//   and nothing fails before its attempts are used up.
// - A result belongs to its payload, and is the same each time it is told.
// - Of each task there is one end; the counts of an ended job are what its readers saw.
// - In every event the counts add up, and what has ended never becomes less; a job starts once and ends once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/model/messages.hpp"
#include "tests/sim/task.hpp"
#include "tests/sim/world.hpp"

namespace stint::sim {

// How the last run of a task came out, as its worker knows. Failed: it may be tried again. Rejected: only after a restart, while the
// broker has not read its payload back, which it keeps of what has failed for good.
enum class RunState : std::uint8_t { none, running, done, failed, rejected, stopped };

// A start of a worker, as far as it explains that a task was run again.
struct WorkerRecord {
  std::string name;            // as the broker calls it
  bool gone = false;           // it has left or died
  std::uint64_t welcomes = 0;  // the number of its last one, of all
  bool drained = false;        // by a command: it has to leave
  unsigned losses = 0;         // times the broker gave it up ...
  unsigned known = 0;          // ... of which it knows, since it was welcomed again
  unsigned welcomed = 0;       // by which start of the broker, last

  bool is_stale() const { return losses != known; }  // what it does now is nobody's business any more
};

class Checker;

// What is known of a plan's job within one life of the broker's store.
class JobRecord {
 public:
  JobRecord(World& world, const Checker& checker, const Plan& plan) : world_(world), checker_(checker), plan_(plan) {}

  // Attempts count anew with each start of the broker; `epoch` is that of the one that has handed it out.
  void started(Index index, Attempt attempt, std::uint64_t epoch, const std::shared_ptr<WorkerRecord>& worker);
  void finished(Index index, Attempt attempt, const std::shared_ptr<WorkerRecord>& worker, RunState how);

  // A reader was given this; `era` is that of the payloads.
  void result(unsigned era, const JobResults& results, std::uint64_t most);
  void ended(const JobStatus& status);
  void check_complete() const;  // everything was read

  void accepted(std::uint64_t next);
  std::uint64_t accepted() const { return accepted_; }
  std::vector<Index> failed() const;  // as its readers saw, ascending

 private:
  struct Last {
    std::shared_ptr<WorkerRecord> worker;
    unsigned losses = 0;
    Attempt attempt = 0;
    std::uint64_t epoch = 0;
    RunState state = RunState::none;
    TimePoint since{};  // of that state
  };
  struct End {
    bool failed = false;
    std::uint64_t print = 0;
  };

  std::string task(Index index) const;
  void check_outcome(unsigned era, const OutcomeCursor& at, std::uint64_t most) const;
  void check_budget(Index index, const std::string& text) const;
  void require(bool holds, const std::string& text) const;

  bool may_lack_its_writer() const;

  World& world_;
  const Checker& checker_;
  const Plan& plan_;
  std::unordered_map<Index, Last> last_;
  std::unordered_map<Index, unsigned> failures_;  // of all runs
  std::unordered_map<Index, End> ends_;
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t accepted_ = 0;
  std::optional<JobStatus> final_;
};

class Checker {
 public:
  Checker(World& world, const std::vector<std::unique_ptr<Plan>>& plans) : world_(world), plans_(plans) {}

  // The record of a plan within the present life of the broker.
  JobRecord& record(unsigned plan);
  JobRecord& record(unsigned plan, StoreId store);
  void broker_begins(StoreId store);
  unsigned broker_starts() const { return broker_starts_; }
  StoreId store() const { return store_; }

  void client_begins() { ++client_starts_; }
  void client_ends() { ++client_ends_; }
  unsigned client_starts() const { return client_starts_; }
  unsigned client_ends() const { return client_ends_; }

  // A job that the broker has made of the failed tasks of another one: its tasks have other indices than their payloads
  // say.
  void retried(JobId job) { retried_.insert({store_, job}); }
  void not_retried(JobId job) { retried_.erase({store_, job}); }  // its number was given before, to one that did not become durable
  bool is_retried(StoreId store, JobId job) const { return retried_.contains({store, job}); }

  std::shared_ptr<WorkerRecord> worker_begins();
  void welcomed(WorkerRecord& worker, const std::string& name);
  bool worker_lost(const std::string& name);  // says the broker; whether it was there
  void nobody_came_back();                    // says the broker after a restart: whom it has not welcomed it gives up
  bool is_given_up(const WorkerRecord& worker) const;  // after a restart, since it has not come back in time
  void worker_drained(const std::string& name);
  bool anybody_must_leave() const;

 private:
  World& world_;
  const std::vector<std::unique_ptr<Plan>>& plans_;
  StoreId store_{};
  unsigned client_starts_ = 0;
  unsigned broker_starts_ = 0;
  TimePoint broker_began_{};
  unsigned client_ends_ = 0;
  std::uint64_t welcomes_ = 0;
  std::set<std::pair<StoreId, JobId>> retried_;
  std::map<std::pair<std::uint64_t, unsigned>, std::unique_ptr<JobRecord>> records_;
  std::vector<std::weak_ptr<WorkerRecord>> workers_;
};

// What one watcher saw.
class WatcherRecord {
 public:
  WatcherRecord(World& world, std::string name) : world_(world), name_(std::move(name)) {}

  void saw(const Event& event);
  void missed_something() { may_miss_ = true; }      // from here on there may be gaps
  void check_ended(StoreId store, JobId job) const;  // that this job has ended, it has been told

 private:
  struct Topic {
    StoreId store{};
    std::uint64_t epoch = 0;
    std::uint64_t seq = 0;
    bool any = false;
    bool all = false;  // its state was told, and every event reaches us from then on
    bool opened = false;
    bool gapless = false;  // every event has reached us since it was opened, by the same start of the broker
    bool started = false;
    bool ended = false;
    bool over = false;  // ended, or cancelled: the same for one who comes late
    Counts counts;
    std::set<Index> ends;
  };

  void saw_job(const Event& event, Topic& topic);
  void saw_steps(const Event& event, Topic& topic);
  void require(bool holds, const Event& event, const std::string& text) const;

  World& world_;
  std::string name_;
  std::map<std::string, Topic> topics_;
  bool may_miss_ = false;
};

}  // namespace stint::sim
