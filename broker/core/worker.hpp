// A worker in session: what it offers, what it holds, and how quick it is at each job.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/core/peer.hpp"

namespace stint::broker {

struct WorkerClass;

// Where a worker could take work.
enum class Room : std::uint8_t {
  none,
  free,      // a slot is free
  prefetch,  // all slots are taken, but not for long
  guests,    // it holds as much as it should, but that is quick, and of so few jobs that one which has nothing there may come in between
};

// How a worker gets on with one job.
struct Pace {
  std::uint32_t held = 0;   // tasks of the job at the worker
  std::uint32_t depth = 0;  // how many it may hold; grows while the measured work is short
  double mean_us = 0;       // how long a task keeps a slot busy, microseconds; 0 = not yet measured
  double measured = 0;      // of so many tasks that is the mean
  bool informed = false;    // JOB_INFO was sent in this session
};

struct Worker : Peer {
  std::vector<std::string> kinds;  // sorted, no doubles
  std::uint32_t slots = 0;
  bool draining = false;           // it said so, or was told to
  bool drain_asked = false;        // by a command
  bool drain_told = false;         // which is durable: told again after each greeting
  std::uint32_t drain_deadline_ms = 0;

  std::set<LeaseId> leases;
  std::unordered_map<JobId, Pace> paces;
  std::uint32_t held = 0;          // tasks in its leases
  std::uint32_t jobs = 0;          // of so many jobs
  std::uint64_t held_bytes = 0;    // payload bytes of its leases
  std::uint32_t suspects = 0;      // of what it holds, tasks under suspicion: no prefetch beside them
  bool alone = false;              // holds a task that must be alone: nothing beside it

  JobId reserved_for{};            // it empties itself for a task of this job that must be alone
  double work_us = 0;              // the measured work that it holds, microseconds, over all slots
  std::uint32_t unmeasured = 0;    // tasks that it holds of jobs not yet measured: nothing is given beyond its slots beside them

  std::uint32_t busy = 0;          // slots in use, as its last heartbeat said
  std::uint64_t done = 0;          // tasks ended here since it joined
  std::uint64_t failed = 0;

  std::uint32_t ack_upto = 0;      // results decided up to this number of its messages ...
  std::uint32_t acked = 0;         // ... and durable up to this one
  std::uint64_t ack_owed = 0;      // bytes of the results that are durable and not yet said to be
  bool ack_due = false;            // a reminder to say so is set

  WorkerClass* group = nullptr;    // the workers with the same kinds
  Room room = Room::none;          // the list of its group that it stands in, under ...
  std::uint64_t place = 0;         // ... this number
  std::uint64_t served = 0;        // the number of its last dispatch: the smallest has been longest without work

  std::uint32_t free_slots() const { return held < slots ? slots - held : 0; }
  bool takes_work() const { return reachable && !draining && !alone && slots > 0; }
  bool offers(const std::string& kind) const { return std::binary_search(kinds.begin(), kinds.end(), kind); }
  const Pace& pace_of(JobId job) const {  // of one that it never had: a new one
    static constexpr Pace kNew;
    const auto at = paces.find(job);
    return at == paces.end() ? kNew : at->second;
  }
};

}  // namespace stint::broker
