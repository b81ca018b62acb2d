// What a store has to hold, written as plainly as can be: the disk that survives a broker in the simulator.
//
//   Disk disk;
//   disk.apply(change);                 // for each change that has become durable
//   core.restore(now, disk.found(), out);
//   core.fetched(disk.fetch(wanted), out);
#pragma once

#include <map>
#include <set>
#include <vector>

#include "broker/core/changes.hpp"

namespace stint::broker {

class Disk {
 public:
  void apply(const Change& change);
  Found found() const;
  Fetched fetch(const Wanted& wanted) const;

 private:
  struct StoredJob {
    FoundJob known;  // as far as it needs no working out
    std::map<Index, Batch> chunks;
    std::set<Index> ended;
    std::vector<JobResults> results;
    std::map<Index, std::uint32_t> failures;
    std::map<Index, Blob> letters;
  };

  void apply(const PutJob& put);
  void apply(const AppendTasks& tasks);
  void apply(const ReserveTasks& reserved);
  void apply(const AppendOutcomes& outcomes);
  void apply(const CountFailures& counted);
  void apply(const TrimResults& trimmed);
  void apply(const DropTasks& dropped);
  void apply(const ForgetJob& forgotten);
  void apply(const PutAnswer& answer);
  static FoundJob found(const StoredJob& job);
  static bool is_consumed(const StoredJob& job, const JobResults& results);
  Fetched fetch(const WantedTasks& wanted) const;
  Fetched fetch(const WantedResults& wanted) const;

  std::map<JobId, StoredJob> jobs_;
  std::uint64_t last_job_ = 0;
  std::vector<PutAnswer> answers_;
};

}  // namespace stint::broker
