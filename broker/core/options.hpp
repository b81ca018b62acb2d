// What the broker's core is told at its birth. Times are options so that tests can be quick; identities and randomness come in here,
// because a core draws none.
#pragma once

#include <cstdint>

#include "common/model/limits.hpp"
#include "common/model/time.hpp"
#include "stint/ids.hpp"

namespace stint::broker {

struct Options {
  StoreId store{};
  std::uint64_t epoch = 1;   // the broker's start number within its store
  std::uint64_t random = 0;  // seeds the jitter of backoffs, and says where sessions begin to count
  bool durable = false;      // the store can be read: what need not be in memory is left there
  std::uint64_t first_lease = 0;  // of this epoch, below 2^39; at random where a store may be put back from a copy, so that no lease's
                                  // number comes twice

  Duration heartbeat = limits::kHeartbeat;
  int liveness = limits::kLiveness;
  Duration writer_grace = limits::kWriterGrace;
  Duration progress_interval = limits::kProgressInterval;
  std::uint64_t held_bytes = limits::kHeldBacklogBytes;          // queued payloads in memory, all jobs together, when durable ...
  std::uint64_t held_job_bytes = limits::kStreamBacklogBytes;    // ... and of one job; beyond, the store alone has them
  std::uint64_t read_ahead_bytes = limits::kReadAheadBytes;
  std::uint64_t backlog_bytes = limits::kDefaultBacklogBytes;
  std::uint64_t keep_bytes = limits::kDefaultKeepBytes;  // kept results: in memory a job waits beyond, in a store old jobs are forgotten
  std::uint32_t kept_jobs = limits::kDefaultKeptJobs;
};

}  // namespace stint::broker
