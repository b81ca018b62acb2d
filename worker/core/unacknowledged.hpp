// Results that the broker has not acknowledged: kept, and sent again after each welcome.
//
//   results.add({lease, job, outcomes});
//   for (Unacknowledged::Entry& entry : results.entries()) entry.seq = send(entry);
//   results.acknowledge(upto);
//   if (results.bytes() > window) start nothing further;
//
// Pure; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "common/model/messages.hpp"

namespace stint::worker {

class Unacknowledged {
 public:
  struct Entry {
    LeaseId lease{};
    JobId job{};
    Outcomes outcomes;
    std::uint32_t seq = 0;  // of the message in this session that carried it
    bool sent = false;      // in this session
  };

  void add(Entry entry);
  void acknowledge(std::uint32_t upto);       // forgets what was sent with a number up to this one
  void unsend();                              // the session has ended: nothing counts as sent
  std::vector<Run> forget(const Drop& drop);  // these tasks' results are not wanted; returns those that there were
  void clear();

  std::deque<Entry>& entries() { return entries_; }
  const std::deque<Entry>& entries() const { return entries_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t tasks() const;
  bool empty() const { return entries_.empty(); }

 private:
  std::deque<Entry> entries_;  // sent ones first, in the order of their numbers
  std::uint64_t bytes_ = 0;
};

// The outcomes of the tasks that are in none of the runs.
Outcomes without(const Outcomes& outcomes, const std::vector<Run>& runs);

}  // namespace stint::worker
