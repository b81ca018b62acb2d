// The client: opens jobs, streams tasks in and results out, steers and asks. One header, no configuration needed.
//
//   #include <stint/client.hpp>
//   #include <iostream>
//
//   int main() {
//     stint::Client client;                                          // $STINT_BROKER, else tcp://127.0.0.1:5555
//     stint::Job job = client.open({.kind = "wordcount", .name = "two books"});
//     std::vector<std::string> books = {"moby dick", "ulysses"};
//     for (const stint::TaskResult& result : job.map(books)) {       // writes, and reads meanwhile
//       std::cout << books[result.index] << ": " << result.result << '\n';
//     }
//   }
//
// With a thread for each direction, or when the results do not matter yet:
//
//   for (std::string line; std::getline(std::cin, line);) job.write(line);   // waits while the broker has no room
//   job.close();
//   for (const stint::TaskResult& result : job.results()) ...                // ends when the job has ended
//
// Losing the broker is no error. The client connects again, repeats what was not acknowledged, and every call just
// takes longer; `on_notice` is told. A broker that comes back without its memory no longer has the job: then calls
// throw JobGone.
//
// Backpressure. A streaming job holds back its writer when nobody reads its results: at most one window of results is
// buffered here, then the broker stops handing tasks out, then it stops accepting them, then write() waits. So one
// thread that only writes first and only reads afterwards stands still for ever once its job is larger than the windows
// (some 100,000 tasks, or tens of MiB). Write and read in turn instead: map() does it, and poll() with try_write() and
// try_next() lets you do it by hand:
//
//   while (!job.ended()) {
//     const stint::Ready ready = job.poll(more ? stint::Ready::either : stint::Ready::readable);
//     if (has(ready, stint::Ready::writable)) job.try_write(next_payload());
//     if (has(ready, stint::Ready::readable)) while (auto result = job.try_next()) use(*result);
//   }
//
// Jobs with ResultsPolicy::keep or discard wait for no reader: writing everything first is fine there.
//
// Threads. A Client and its Jobs may be used from any thread. Of one job, one thread at a time may write (write,
// try_write, close), and one at a time may read (next, try_next, results, map, ack's automatic form); those two may be
// different threads. Everything else may be called by any thread at any time. The client has one thread of its own,
// which does all input and output; all signals are blocked in it. Do not fork() and go on using a Client in the child.
//
// Lifetime. A Job is a handle: copies mean the same job. Jobs may outlive their Client; their calls throw then.
// Destroying the Client says goodbye at once: what was written and not yet accepted is lost, so flush() first. A job
// that is still open then goes on or is cancelled as its JobOptions::on_writer_gone says; opening its key again
// continues it.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stint/client_error.hpp"
#include "stint/ids.hpp"
#include "stint/job.hpp"
#include "stint/row.hpp"
#include "stint/task.hpp"

namespace stint {

using Timeout = std::chrono::milliseconds;
constexpr Timeout kForever = Timeout::max();

// --- the connection ----------------------------------------------------------------------------------------------

// Something that a user may want to know, and that is no error.
struct Notice {
  enum class Kind : std::uint8_t {
    reconnecting,  // the broker is silent or has said goodbye; the text names the endpoint
    reconnected,   // it is back
    refused,       // it does not let us in for now; the text says why. Tried again
    stalled,       // a job's window is closed or the job stands still; the text says why, and what helps
    flowing,       // it goes on
  };
  Kind kind = Kind::reconnecting;
  JobId job{};  // what it is about; 0 = the connection
  std::string text{};
};

struct ClientOptions {
  std::string endpoint{};       // empty: the environment's STINT_BROKER, and without it tcp://127.0.0.1:5555
  std::string name{};           // what listings call this client; empty: the broker makes one up
  Timeout timeout{5000};        // how long to wait for a first answer before Unreachable is thrown
  Timeout patience = kForever;  // how long a broker may stay away later before every call throws Unreachable
  void* zmq_context = nullptr;  // a zmq::context_t of the caller's, for inproc:// endpoints; it must outlive the Client
  std::function<void(const Notice&)> on_notice{};  // called by the client's thread: be quick, call nothing of Client
};

// --- what comes back ---------------------------------------------------------------------------------------------

// How one task ended. The views stay valid until the next read of the same job (next, try_next, ++ of its range): copy
// what you keep. One object is used for all results, so that none is allocated for each.
struct TaskResult {
  Index index = 0;                    // of the task within its job, in the order of writing
  TaskState state = TaskState::done;  // done, failed or cancelled
  Attempt attempt = 1;                // with which it ended
  std::string_view worker;            // who ended it; empty when the broker did
  std::chrono::microseconds took{0};  // how long its handler ran
  std::string_view result;            // what the handler returned (a command's standard output)
  std::string_view error;             // why it failed (a command's standard error); empty when done
  Failure failure = Failure::failed;  // what kind of failure; of no meaning when done
  std::int32_t exit = 0;              // a failed command's exit status
  std::int32_t signal = 0;            // the signal that ended a command
  std::uint64_t position = 0;         // among the job's results; what ack() takes
};

// Where a job stands.
struct JobReport {
  JobId id{};
  std::string name{};
  std::string kind{};
  JobState state = JobState::open;  // cancelled also once it has ended
  bool ended = false;
  Counts counts;
  std::string reason{};  // why it stands still, or how it ended; may be empty
};

// When is a result acknowledged, so that a streaming job may forget it?
//   automatic  when the one after it is asked for
//   by_hand    when ack() is called: after it has been written to a disk or a pipe, say. A client that is killed before
//   gets it again
enum class AckMode : std::uint8_t { automatic, by_hand };

struct AttachOptions {
  AckMode ack = AckMode::automatic;
  bool order = false;      // results by index; for kept jobs (a streaming job has its own order)
  std::uint64_t from = 0;  // skip what comes before: a position, or an index when ordered
};

enum class Ready : std::uint8_t { nothing = 0, writable = 1, readable = 2, either = 3 };
constexpr bool has(Ready ready, Ready what) {
  return (static_cast<unsigned>(ready) & static_cast<unsigned>(what)) != 0;
}

namespace client {
class Shell;
class Channel;
}  // namespace client

class ResultRange;
template <class Payloads>
class MappedRange;

template <class Range>
concept PayloadRange = std::ranges::viewable_range<Range> && std::ranges::input_range<Range> &&
    std::convertible_to<std::ranges::range_reference_t<Range>, std::string_view>;

// --- a job -------------------------------------------------------------------------------------------------------

class Job {
 public:
  JobId id() const;                // waits for nothing: open() and attach() have
  const std::string& key() const;  // under which open() continues this job; empty after attach()
  std::uint64_t resumed()
      const;  // tasks that the job had when its key was opened: the first so many writes only have to match

  // Writing. Tasks are numbered 0, 1, 2 ... by their order. The bytes are copied. A task goes out at once when the
  // connection is idle, together with others when it is not.

  // Adds a task; waits while there is no room. Throws Refused when it is too large or the job takes no more (closed or
  // cancelled by someone, written to by another client), Conflict when the job was continued by key and this task is
  // not what it was.
  void write(std::string_view payload, Timeout timeout = kForever);

  // The same, but returns false instead of waiting; nothing was taken then.
  bool try_write(std::string_view payload);

  // Waits until the broker has accepted everything written, and the close() if there was one. Accepted means kept.
  void flush(Timeout timeout = kForever);

  // No task follows. Does not wait: flush() does. Closing twice is fine.
  void close();

  // Reading. The first read asks for the results (a kept job has any number of readers; a streaming job has one, and
  // this displaces an earlier one).

  // The next result; nothing when the job has ended and all its results were read. Throws Displaced when another reader
  // took over.
  std::optional<TaskResult> next(Timeout timeout = kForever);

  // The next result if it is here; nothing otherwise: ended() tells the end from a pause.
  std::optional<TaskResult> try_next();

  // All results as an input range: for (const TaskResult& result : job.results()). It ends with the job.
  ResultRange results();
  ResultRange results(AckMode ack);

  // Writes the payloads, closes the job, and gives its results, in turn, with bounded memory: an input range of
  // TaskResult. The payloads are any input range of what converts to std::string_view; results wait while it does
  // (reading a terminal, say).
  template <PayloadRange Payloads>
  MappedRange<std::views::all_t<Payloads>> map(Payloads&& payloads);

  // Acknowledges the result at `position` and all before it. For AckMode::by_hand, by any thread.
  void ack(std::uint64_t position);
  void set_ack_mode(AckMode ack);  // before the first read

  // Waits until the job can be written to (a try_write succeeds) or read from (a try_next gives a result, or the job
  // has ended), of those that are wanted. Nothing when the time is over. A job in trouble is ready: the next call
  // throws what it is.
  Ready poll(Ready wanted, Timeout timeout = kForever);

  // All results were read, and none follows.
  bool ended() const;

  // Following.

  JobReport status();  // asks the broker
  JobReport wait(
      Timeout timeout = kForever);  // until the job has ended. Where results are read too, someone has to read them
  void detach();                    // wants no more results; the job goes on, and this handle reads nothing more
  void cancel();

 private:
  friend class Client;
  explicit Job(std::shared_ptr<client::Channel> channel) : channel_(std::move(channel)) {}
  std::shared_ptr<client::Channel> channel_;
};

// --- the client --------------------------------------------------------------------------------------------------

// Which workers shall finish what they run, take nothing new, and leave.
struct DrainOptions {
  std::vector<std::string> workers{};     // by name
  std::string kind{};                     // those that offer it
  std::uint64_t count = 0;                // so many of those that fit; 0 = all that fit
  bool all = false;                       // every worker
  std::chrono::milliseconds deadline{0};  // then what still runs goes to other workers; 0 = never
};

class Client {
 public:
  explicit Client(ClientOptions options = {});  // Throws Unreachable when no broker answers in time
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // Opens a job, or continues the one that has the key. Throws Conflict when that one has other options.
  Job open(const JobOptions& options);

  // An existing job: by id, key or unique name. To read it, wait for it, ask about it; not to write.
  Job attach(std::string_view selector, AttachOptions options = {});
  Job attach(JobId id, AttachOptions options = {});

  // Steering. A selector is an id, a key or a unique name. Each returns the ids of the jobs that it was about, or the
  // names of the workers, and throws Refused with the reason. Repeated by the library after a lost connection, it still
  // happens once.
  std::vector<std::string> pause(std::string_view selector);
  std::vector<std::string> resume(std::string_view selector);
  std::vector<std::string> close(std::string_view selector);
  std::vector<std::string> cancel(std::string_view selector);
  std::vector<std::string> forget(std::string_view selector);
  std::vector<std::string> retry(std::string_view selector);  // its failed tasks, in a new job; returns the new job's id
  std::vector<std::string> set_priority(std::string_view selector, std::int32_t priority);
  std::vector<std::string> drain(const DrainOptions& options);

  // Asking: "jobs", "workers", "broker", or "job" with a selector. All pages of the answer.
  std::vector<Row> query(std::string_view what, std::string_view selector = {});
  JobReport status(std::string_view selector);

  // Makes every write, read, flush and wait throw Interrupted, those that wait now and those to come; steering and
  // asking still work. For a thread that has been told to stop (^C); not for use within a signal handler.
  void interrupt();

  const std::string& endpoint() const;

 private:
  std::shared_ptr<client::Shell> shell_;
};

// --- ranges ------------------------------------------------------------------------------------------------------

// An iterator over a range that reads as it advances.
template <class Range>
class ResultIterator {
 public:
  using value_type = TaskResult;
  using difference_type = std::ptrdiff_t;

  ResultIterator() = default;
  explicit ResultIterator(Range& range) : range_(&range) {}
  const TaskResult& operator*() const { return *range_->current(); }
  const TaskResult* operator->() const { return &*range_->current(); }
  ResultIterator& operator++() { return range_->advance(), *this; }
  void operator++(int) { range_->advance(); }
  friend bool operator==(const ResultIterator& at, std::default_sentinel_t) { return !at.range_->current(); }

 private:
  Range* range_ = nullptr;
};

// The results of a job as a C++20 input range. Single pass; made by Job::results().
class ResultRange : public std::ranges::view_interface<ResultRange> {
 public:
  explicit ResultRange(Job job) : job_(std::move(job)) {}
  ResultIterator<ResultRange> begin() { return advance(), ResultIterator(*this); }
  std::default_sentinel_t end() const { return std::default_sentinel; }

  void advance() { current_ = job_.next(); }
  const std::optional<TaskResult>& current() const { return current_; }

 private:
  Job job_;
  std::optional<TaskResult> current_;
};

// Payloads in, results out, in turn. Single pass; made by Job::map().
template <class Payloads>
class MappedRange : public std::ranges::view_interface<MappedRange<Payloads>> {
 public:
  MappedRange(Job job, Payloads payloads) : job_(std::move(job)), payloads_(std::move(payloads)) {}

  ResultIterator<MappedRange> begin() {
    at_.emplace(std::ranges::begin(payloads_));
    if (exhausted()) job_.close();
    return advance(), ResultIterator(*this);
  }
  std::default_sentinel_t end() const { return std::default_sentinel; }

  void advance() {
    for (;;) {
      write_some();
      current_ = job_.try_next();
      if (current_ || job_.ended()) return;
      job_.poll(exhausted() ? Ready::readable : Ready::either);
    }
  }
  const std::optional<TaskResult>& current() const { return current_; }

 private:
  static constexpr int kWritesPerRead = 64;  // so that neither direction waits long for the other

  bool exhausted() { return *at_ == std::ranges::end(payloads_); }

  void write_some() {
    for (int i = 0; i < kWritesPerRead && !exhausted(); ++i) {
      if (!job_.try_write(**at_)) return;
      ++*at_;
      if (exhausted()) job_.close();
    }
  }

  Job job_;
  Payloads payloads_;
  std::optional<std::ranges::iterator_t<Payloads>> at_;
  std::optional<TaskResult> current_;
};

template <PayloadRange Payloads>
MappedRange<std::views::all_t<Payloads>> Job::map(Payloads&& payloads) {
  return {*this, std::views::all(std::forward<Payloads>(payloads))};
}

inline ResultRange Job::results() { return ResultRange(*this); }

inline ResultRange Job::results(AckMode ack) {
  set_ack_mode(ack);
  return ResultRange(*this);
}

}  // namespace stint
