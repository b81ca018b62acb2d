// The worker: wrap a function, get a program that runs tasks for a Stint broker.
//
//   #include <stint/worker.hpp>
//
//   int main(int argc, char** argv) {
//     stint::Worker worker(stint::WorkerOptions::parse(argc, argv));  // --broker, --slots, --try ...: see --help
//     worker.on("wordcount", [](stint::Task& task) { return count_words(task.payload()); });
//     return worker.run();                                            // until SIGTERM, or until it is drained
//   }
//
//   $ ./wordcount --try "to be or not to be"      # no broker needed
//   6
//
// Registration, heartbeats, rejoining a restarted broker, keeping results until the broker has them, and giving back
// what has not started when the worker leaves are all done here.
//
// Handlers. A handler is called once for each task, in one of the worker's slots. Each slot is a thread: with more than
// one, handlers run at the same time and must share nothing unguarded. What it returns is the result:
//
//   std::string, std::string_view, const char*     its bytes
//   an integer                                     its decimal digits
//   void                                           nothing
//   anything with operator<< for std::ostream      what that writes
//   stint::Ending                                  all that there is to say, failures included
//
// What it throws is a failure: stint::Rejected for good, stint::Failed and anything else to be tried again while the
// job allows. A task may be run again, by another worker, when its worker was lost: its token() then is another one.
//
// Long tasks may say how far they are (progress()) and should look at stop_token(): it is asked to stop when the job is
// cancelled or the task is over the job's time limit. A handler over its limit that has not returned 5 s later is given
// up together with its slot; with no slot left the worker ends.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "stint/ids.hpp"
#include "stint/task.hpp"

namespace stint {

namespace worker {
class TaskHost;
class Runtime;
}  // namespace worker

// The handler says no; the task is tried again while its job allows another attempt.
class Failed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The handler says no for good: another attempt would fail alike.
class Rejected : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// How a handler's run ended, in full.
struct Ending {
  std::string result{};              // standard output, for a command
  std::optional<Failure> failure{};  // nothing: done
  std::string error{};               // why it failed; kept up to 4 KiB
  int exit = 0;                      // of a command
  int signal = 0;                    // that ended a command
};

// What a job tells each of its tasks. The views live as long as the task.
struct TaskInfo {
  std::string_view payload{};  // the bytes that were submitted
  std::string_view kind{};
  std::string_view job_name{};  // may be empty
  std::string_view context{};   // what the job's owner gave for all its tasks; may be empty
  JobId job{};
  Index index = 0;      // within the job, from 0
  Attempt attempt = 1;  // the n-th handing-out of this task, from 1
  LeaseId
      token{};  // fencing token: rises with each handing-out, so that a store can refuse a writer from an earlier one
};

// One task, while its handler runs. It may be used by threads of the handler's own, as long as the handler has not
// returned.
class Task {
 public:
  Task(const TaskInfo& info, worker::TaskHost& host) : info_(info), host_(host) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  std::string_view payload() const noexcept { return info_.payload; }
  std::string_view kind() const noexcept { return info_.kind; }
  std::string_view job_name() const noexcept { return info_.job_name; }
  std::string_view context() const noexcept { return info_.context; }
  JobId job() const noexcept { return info_.job; }
  Index index() const noexcept { return info_.index; }
  Attempt attempt() const noexcept { return info_.attempt; }
  LeaseId token() const noexcept { return info_.token; }

  // How far the task is, from 0 to 1, with a note of up to 4 KiB. Never waits and costs little: only the latest of each
  // 50 ms is sent.
  void progress(double fraction, std::string_view note = {});

  // Asked to stop when the result is no longer wanted. Callbacks on it run in the worker's own thread: let them be
  // short.
  std::stop_token stop_token();

  // The same as throwing, for those who like to say what they do.
  [[noreturn]] void fail(const std::string& why) const { throw Failed(why); }
  [[noreturn]] void reject(const std::string& why) const { throw Rejected(why); }

 private:
  TaskInfo info_;
  worker::TaskHost& host_;
};

using Handler = std::function<Ending(Task&)>;

struct WorkerOptions {
  std::string broker{};  // empty: the environment's STINT_BROKER, and without it tcp://127.0.0.1:5555
  std::string name{};    // empty: the broker makes one up
  unsigned slots = 1;    // tasks run at once, 1 to 4,096
  std::optional<std::string> try_payload{};  // run() runs this one task without a broker, prints its result, and ends
  std::string try_kind{};                    // with the handler of this kind; empty: the first
  bool handle_signals = true;      // SIGTERM and SIGINT drain, a second one ends at once. One such Worker a process
  std::string program = "worker";  // what its lines on standard error begin with
  std::function<void(std::string_view)> log{};  // takes those lines instead; called by the thread of run()
  void* zmq_context = nullptr;  // a ZeroMQ context of the caller's, for inproc:// endpoints; it must outlive the Worker

  // Reads the command line. --help and --version print and exit 0; a mistake is explained on standard error and
  // exits 2.
  static WorkerOptions parse(int argc, char** argv);
};

namespace worker {

template <class Value>
Ending to_ending(Value&& value) {
  using Plain = std::remove_cvref_t<Value>;
  if constexpr (std::same_as<Plain, Ending>) {
    return std::forward<Value>(value);
  } else if constexpr (std::convertible_to<Value, std::string>) {
    return {.result = std::forward<Value>(value)};
  } else if constexpr (std::convertible_to<Value, std::string_view>) {
    return {.result = std::string(std::string_view(value))};
  } else if constexpr (std::integral<Plain> && !std::same_as<Plain, bool> && !std::same_as<Plain, char>) {
    return {.result = std::to_string(value)};
  } else {
    static_assert(
        requires(std::ostream & stream) { stream << value; },
        "a handler returns text, an integer, void, stint::Ending, or what can be written to a std::ostream");
    std::ostringstream text;
    text << value;
    return {.result = std::move(text).str()};
  }
}

template <class Function>
Handler to_handler(Function function) {
  return [function = std::move(function)](Task& task) mutable -> Ending {
    if constexpr (std::is_void_v<std::invoke_result_t<Function&, Task&>>) {
      function(task);
      return {};
    } else {
      return to_ending(function(task));
    }
  };
}

}  // namespace worker

// All member functions may be called from any thread, run() from one at a time.
class Worker {
 public:
  explicit Worker(WorkerOptions options = {});
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();  // Requires: run() has returned

  // Offers a kind. At any time; a handler given later for the same kind takes its place for the tasks that come then.
  template <class Function>
  requires std::invocable<Function&, Task&>
  void on(std::string_view kind, Function function) { add(kind, worker::to_handler(std::move(function))); }
  void off(std::string_view kind);  // no longer offers it; what runs ends in peace

  void set_slots(unsigned slots);  // 1 to 4,096, more is clamped; when fewer, the others end their task first

  // Blocks until the worker has left, and returns what main() should: 0 after a drain, 1 when no slot is left or the
  // tried task failed, 2 when an option makes no sense, 6 when the broker refuses it, 130 when a second signal came. A
  // broker that does not answer is waited for.
  int run();

  // Finish what runs, take nothing new, hand in the results, end run(). After `deadline` what still runs is stopped and
  // given back; zero is no deadline.
  void drain(std::chrono::milliseconds deadline = std::chrono::milliseconds(0));

 private:
  void add(std::string_view kind, Handler handler);

  std::unique_ptr<worker::Runtime> runtime_;
};

}  // namespace stint
