// What a job is: its options, its states and its counts. Words that client, broker and watcher share.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace stint {

enum class JobState : std::uint8_t { open = 0, closed = 1, paused = 2, cancelled = 3, ended = 4 };

// What becomes of results.
//   stream   one reader; what it acknowledges is forgotten, and a slow reader slows the job
//   keep     nothing is forgotten until `forget` or the broker's retention; any number of readers, none is waited for
//   discard  outputs are dropped where they arise; only how each task ended is counted, and failures are kept
enum class ResultsPolicy : std::uint8_t { stream = 0, keep = 1, discard = 2 };

// What becomes of a job that is still open when its writer is gone (said goodbye, or unheard of for the broker's writer grace).
enum class WriterGone : std::uint8_t { keep = 0, cancel = 1 };

struct JobOptions {
  std::string kind{};             // what the tasks ask for; workers that advertise it run them. Required
  std::string name{};             // for people; any text of up to 255 bytes
  std::string key{};              // opening the same key again continues the same job; the library draws one if empty
  std::int32_t priority = 0;      // higher goes strictly first among the jobs of the same kinds
  std::uint32_t max_attempts = 3; // how often a task is handed out when its handler says no; at least 1
  std::uint32_t max_losses = 3;   // workers lost while running a task before it fails; at least 1
  std::chrono::milliseconds time_limit{0};       // of one attempt; 0 = none
  std::chrono::milliseconds backoff_base{1000};  // the wait before the first retry; doubles, with jitter
  std::chrono::milliseconds backoff_cap{60000};  // the longest wait before a retry
  std::string context{};          // opaque to the broker, given to each worker once; at most 64 KiB
  ResultsPolicy results = ResultsPolicy::stream;
  bool order = false;             // results come by index rather than in the order of ending
  WriterGone on_writer_gone = WriterGone::keep;
  std::uint64_t max_failures = 0; // the job pauses itself beyond so many failed tasks; 0 = never

  friend bool operator==(const JobOptions&, const JobOptions&) = default;
};

// Exact at every moment: total() = queued + delayed + running + done + failed + cancelled.
struct Counts {
  std::uint64_t queued = 0;     // accepted, not handed out
  std::uint64_t delayed = 0;    // waiting for a retry
  std::uint64_t running = 0;    // handed out
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;

  std::uint64_t left() const { return queued + delayed + running; }
  std::uint64_t ended() const { return done + failed + cancelled; }
  std::uint64_t total() const { return left() + ended(); }
  friend bool operator==(const Counts&, const Counts&) = default;
};

std::string_view to_string(JobState state);
std::string_view to_string(ResultsPolicy policy);

}  // namespace stint
