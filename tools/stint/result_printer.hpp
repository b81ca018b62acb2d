// Results of a job to standard output, in large writes, each acknowledged only after it was written.
//
//   ResultPrinter printer(format, output, console);
//   switch (printer.follow(job)) { ... }
//
// Owned by one thread, which may stand still in a write: the client's own thread goes on with its heartbeats meanwhile.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "stint/client.hpp"
#include "tools/show/failures.hpp"
#include "tools/show/output.hpp"
#include "tools/stint/console.hpp"

namespace stint::tool {

struct ResultFormat {
  bool json = false;
  bool failed_only = false;
  char separator = '\n';  // behind a result that does not end in it
  JobId job{};
};

class ResultPrinter {
 public:
  enum class Stop {
    ended,         // the job has, and all its results are written
    nothing_more,  // of a job that has not ended
    nobody_reads,  // the reader of our output has left
  };

  ResultPrinter(ResultFormat format, Output& output, Console& console)
      : format_(format), output_(output), console_(console) {}

  Stop follow(Job& job);                             // until the job has ended
  Stop read_so_many(Job& job, std::uint64_t count);  // or until it has
  // By index, up to the first task that has not ended. `is_all_sent` asks the broker whether it has sent what it can.
  Stop read_to_gap(Job& job, const std::function<bool()>& is_all_sent);

  bool is_writing() const { return is_writing_; }  // any thread: our own output is what we wait for
  const FailureLog& failures() const { return failures_; }
  std::uint64_t written() const { return written_; }

 private:
  void take(const TaskResult& result);
  bool take_all(Job& job);
  bool flush(Job& job);

  ResultFormat format_;
  Output& output_;
  Console& console_;
  std::string buffer_;
  std::uint64_t taken_upto_ = 0;  // the position of the last one taken, if any is unacknowledged
  bool is_unacknowledged_ = false;
  std::uint64_t written_ = 0;
  std::atomic<bool> is_writing_{false};
  FailureLog failures_;
};

// One object: job, index, state, attempt, worker, seconds, result (or result_b64), error, exit, signal; and of failed
// ones, failure.
void append_json(std::string& out, JobId job, const TaskResult& result);

}  // namespace stint::tool
