// Who could work on what: the jobs of each kind that have something to hand out, and the workers that have room, each in the order in
// which it is their turn. Workers with the same set of kinds form a class, so that the cost of a choice does not grow with workers.
//
//   for (Job* job : scheduler.next_jobs(worker, 8)) // strictly by priority, then fewest slots in use, then longest unserved
//   Worker* worker = scheduler.longest_idle(kind);
//
// It holds no tasks and sends nothing: dispatch.cpp decides how much goes where.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/core/job.hpp"
#include "broker/core/worker.hpp"

namespace stint::broker {

// A job's place in its kind's queue: the smallest is next.
struct Turn {
  std::int64_t minus_priority = 0;
  std::uint32_t slots_in_use = 0;
  std::uint64_t last_served = 0;
  Job* job = nullptr;

  friend bool operator<(const Turn& a, const Turn& b) {
    return std::tie(a.minus_priority, a.slots_in_use, a.last_served, a.job->id) <
           std::tie(b.minus_priority, b.slots_in_use, b.last_served, b.job->id);
  }
};

struct KindQueue {
  std::string kind;
  std::set<Turn> ready;
  std::vector<WorkerClass*> classes;  // those that offer the kind
  std::uint32_t workers = 0;          // that offer it and are not draining
  std::uint32_t jobs = 0;             // that ask for it
};

struct WorkerClass {
  // By the number of the last dispatch; then by incarnation, so that the same inputs give the same order in every process.
  using Line = std::map<std::pair<std::uint64_t, Incarnation>, Worker*>;
  std::vector<KindQueue*> kinds;
  Line free;
  Line prefetch;
  Line guests;
  std::uint32_t members = 0;
};

class Scheduler {
 public:
  KindQueue& kind(const std::string& name);  // made when there is none yet

  // A job asks for its kind until it is forgotten. What neither a job nor a worker needs any more is not remembered.
  void enlist(Job& job);
  void dismiss(Job& job);

  // A worker joined, changed its kinds or stopped taking work for good. Requires for leave(): it joined.
  void join(Worker& worker);
  void leave(Worker& worker);

  void set_room(Worker& worker, Room room);  // moves it into that line, behind those served before it
  void set_ready(Job& job, bool ready);      // puts the job into its kind's queue under its present figures, or takes it out

  std::vector<Job*> next_jobs(const Worker& worker, std::size_t most) const;  // the first few, best first
  Worker* longest_idle(const KindQueue& kind) const;                       // with a free slot; null: none
  Worker* empty_handed(const KindQueue& kind) const;                       // that holds nothing at all; O(workers with a free slot)
  std::vector<Worker*> with_room(const KindQueue& kind, Room room, std::size_t most) const;  // of each class, longest unserved first

  std::size_t kinds() const { return kinds_.size(); }
  std::size_t classes() const { return classes_.size(); }

 private:
  WorkerClass& class_of(const std::vector<std::string>& kinds);
  void forget_if_unused(KindQueue& kind);

  std::unordered_map<std::string, std::unique_ptr<KindQueue>> kinds_;
  std::map<std::vector<std::string>, std::unique_ptr<WorkerClass>> classes_;
};

}  // namespace stint::broker
