// What anybody was told of the jobs of one store, by any start of its broker: what every recovery has to find again.
//
//   Told told(world);
//   told.accepted(job, accepted.next, accepted.digest);
//   told.counted(row);          // a row of a listing, or the fields of an event
//   told.check(rows);           // rows of all jobs, as the next start lists them; throws Failure
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/model/messages.hpp"
#include "tests/sim/world.hpp"

namespace stint::sim {

class Told {
 public:
  explicit Told(const World& world) : world_(world) {}

  bool asks_first(Incarnation client, RequestId command) { return commands_.emplace(client, command).second; }
  void accepted(JobId job, Index next, std::uint32_t digest);
  void counted(const Row& row);
  void paused(JobId job) { paused_.insert(job); }
  void resumed() { paused_.clear(); }  // some of them, or perhaps none
  void forget();  // the store is another one
  void check(const std::vector<Row>& rows) const;

 private:
  struct Job {
    Index accepted = 0;
    std::uint32_t digest = 0;  // of the tasks up to there
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
    std::string outcomes_digest;  // of those done and failed
    std::string end;              // the state in which it ended; empty: it has not
  };

  void check(JobId id, const Job& job, const Row& row) const;

  const World& world_;
  std::map<JobId, Job> jobs_;
  std::set<JobId> paused_;
  std::set<std::pair<Incarnation, RequestId>> commands_;
};

}  // namespace stint::sim
