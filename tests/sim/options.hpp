// What kind of world a seed makes: how many there are of each party, and what goes wrong how often. Swarm testing
// (Groce et al., 2012): each run has most faults switched off, so that some have long undisturbed stretches and others
// one fault only, many times.
//
//   const Options options = Options::drawn_from(seed);
//   std::cout << options.text() << '\n';
#pragma once

#include <cstdint>
#include <string>

#include "common/model/time.hpp"

namespace stint::sim {

struct Options {
  std::uint64_t seed = 0;

  // the parties
  unsigned workers = 2;
  unsigned slots = 4;  // of a worker, at most
  unsigned kinds = 1;
  unsigned clients = 1;
  unsigned jobs = 2;  // at a time, until the faults are over
  unsigned watchers = 1;
  unsigned plans = 60;                                // jobs in all, at most
  std::uint64_t tasks = 100;                          // of a job, at most
  double long_jobs = 0;                               // share of the jobs that have as many
  double small_readers = 0;                           // share of the jobs whose readers have room for a few results only; of all others, some
  std::uint64_t payload = 100;                        // bytes, at most
  std::uint64_t result = 100;                         // bytes, at most
  Duration task_time = std::chrono::milliseconds(2);  // of a quick task, at most
  Duration worker_pace{};                             // between two turns of a worker's loop, at least

  // the broker
  Duration heartbeat = std::chrono::seconds(2);
  Duration writer_grace = std::chrono::seconds(60);
  Duration commit_delay{};  // at most; 0 = within the turn, as in memory mode
  bool commits_in_bursts = false;
  bool durable = false;  // what was committed survives the broker
  Duration fetch_delay{};  // at most
  std::uint64_t held_bytes = 1U << 24;  // payloads of a job in memory when durable
  std::uint64_t backlog_bytes = 1U << 30;

  // the network
  Duration latency = std::chrono::milliseconds(1);  // at most, usually
  double lost = 0;                                  // share of messages; of those that are rare, more
  double doubled = 0;
  double late = 0;  // by up to four heartbeat intervals
  double events_lost = 0;

  // What befalls somebody on average once in so long; 0 = never. Faults end after `fault_time`.
  Duration fault_time = std::chrono::seconds(30);
  Duration cut{};  // a connection breaks
  Duration worker_crash{};
  Duration worker_stall{};
  Duration worker_drain{};   // asked to leave by its owner
  Duration worker_change{};  // other kinds, other slots
  Duration client_crash{};
  Duration client_stall{};
  Duration client_leave{};  // says goodbye, and comes back
  Duration reader_stop{};   // a reader of results stands still
  Duration broker_crash{};  // what was not committed goes with it, or everything
  Duration disk_error{};    // a write, a sync or a read fails, and the broker ends
  Duration disk_full{};     // for a while
  Duration broker_stall{};
  Duration sleep{};  // the machine, with all who are on it
  Duration watcher_change{};  // comes, goes, subscribes anew
  Duration command{};         // pause, resume, priority
  Duration cancel{};
  Duration drain{};  // by command
  Duration theft{};  // another reader takes over a streaming job

  // how a broker dies: shares
  double crash_midway = 0;      // of its crashes: in the midst of a turn, with half of it done
  double crash_recovering = 0;  // of its starts: before it serves, or soon after
  double last_write_kept = 0;   // of its ends: what was written and not yet reported is on the disk, all of it or a part

  // the tasks: shares, by what their handler does
  double slow = 0;       // takes up to a few seconds
  double flaky = 0;      // fails or not, by chance
  double failing = 0;    // fails each time
  double rejected = 0;   // fails for good at once
  double hanging = 0;    // goes on until told to stop
  double stubborn = 0;   // goes on even then
  unsigned killers = 0;  // in a job, at most: ends its worker
  double eager = 0;      // share of the jobs whose failed tasks are tried again at once

  static Options drawn_from(std::uint64_t seed);
  static std::string distribution(std::uint64_t first,
                                  std::uint64_t last);  // how often these seeds draw what, as lines
  bool broker_ends() const { return broker_crash != Duration{} || disk_error != Duration{}; }
  bool workers_are_heard() const;  // nothing that they say is ever late, unless the broker stands still
  bool innocent_workers() const;  // only killers and stubborn tasks ever end a worker, and no connection is ever broken
  bool innocent_clients() const;  // no connection of a client is ever broken, nor is it ever late
  bool undisturbed() const;       // nothing at all goes wrong on the way
  std::string text() const;
};

}  // namespace stint::sim
