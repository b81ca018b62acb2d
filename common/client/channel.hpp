// Where the user's threads and the client's own thread meet over one job: tasks wait here to be sent, results to be
// read.
//
//   user: channel.write(payload, timeout)    ->  I/O: while (auto batch = channel.take_batch(appetite)) ...
//   user: channel.next(timeout)              <-  I/O: channel.arrived(results)
//
// Cheap for each task: a write appends to a batch under one uncontended lock, a read walks through a batch without any.
// The I/O thread is woken only when it has said that it would act: its appetite for tasks, and the position from which
// on an acknowledgement is due. Both queues are bounded: tasks by kWaitingBatches, results by the window that the
// broker was given.
//
// Threads: the first half is for the users (one writes, one reads, at a time), the second for the I/O thread. Locks:
// ours before the shell's. Kept alive by the users' handles and by the shell.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "common/client/session_outbox.hpp"
#include "common/client/session_reader.hpp"
#include "common/client/session_writer.hpp"
#include "common/model/limits.hpp"
#include "common/model/outcome.hpp"
#include "stint/client.hpp"

namespace stint::client {

class Shell;

class Channel {
 public:
  struct Identity {
    Handle handle{};
    std::string key;  // empty: a job of others, only read
    std::string name;
    std::string kind;
    bool order = false;  // of its results
  };

  Channel(std::shared_ptr<Shell> shell, Identity identity, AttachOptions options);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // --- for users ---

  void write(std::string_view payload, Timeout timeout);
  bool try_write(std::string_view payload);
  void flush(TimePoint deadline);
  void close();

  std::optional<TaskResult> next(Timeout timeout);
  std::optional<TaskResult> try_next();
  void ack(std::uint64_t position);
  void set_ack_mode(AckMode ack) { ack_mode_ = ack; }
  Ready poll(Ready wanted, Timeout timeout);
  bool ended() const { return ended_.load(std::memory_order_relaxed); }

  void wait_opened();
  JobReport wait_ended(TimePoint deadline);
  void detach();
  void abandon();  // no handle is left

  JobId id() const { return id_; }
  std::uint64_t resumed() const { return resumed_; }
  const Identity& identity() const { return identity_; }
  Shell& shell() const { return *shell_; }

  // --- for the I/O thread ---

  struct Wishes {  // what users want and the session was not told
    bool hurry = false;
    bool detach = false;
    bool abandoned = false;
    std::optional<Reading> read;
  };
  Wishes take_wishes();
  std::optional<Batch> take_batch(Appetite appetite);
  bool take_close();  // the job is to be closed, and all that was written has been taken
  bool is_empty();    // nothing is left to take
  std::uint64_t consumed() const { return consumed_.load(std::memory_order_relaxed); }
  std::uint64_t delivered() const { return delivered_; }
  void set_ack_at(std::uint64_t position) { ack_at_.store(position, std::memory_order_relaxed); }

  void opened(JobId id, std::uint64_t resumed);
  void accepted(std::uint64_t next, bool closed);
  void arrived(JobResults results);
  void reported(const JobStatus& status);
  void failed(const Problem& problem);
  void notify();  // something changed that concerns everyone: see Shell::check

 private:
  friend class Shell;  // for touched_
  using Lock = std::unique_lock<std::mutex>;

  template <class Predicate>
  bool wait(Lock& lock, TimePoint deadline, bool interruptible, Predicate predicate);
  bool put(std::string_view payload);
  void hand_over(Lock& lock);
  void seal();
  void check_writable(std::string_view payload);
  void check_readable();
  void start_reading(bool results);
  void acknowledge_read();
  void ask_to_acknowledge();
  bool step_to_next_batch();
  bool has_result() const { return cursor_ && !cursor_->done(); }
  TaskResult take_result();
  void keep_only(TaskResult& result);
  bool is_accepted() const { return accepted_ >= written_ && (!closing_ || closed_); }
  bool has_room() const { return full_.size() < limits::kWaitingBatches; }

  const std::shared_ptr<Shell> shell_;
  const Identity identity_;
  std::atomic<bool> touched_{false};  // in the shell's list

  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  Wishes wishes_;

  // Written by the I/O thread before the handle is given out, then only read.
  JobId id_{};
  std::uint64_t resumed_ = 0;
  bool opened_ = false;

  // Writing.
  BatchBuilder filling_;
  std::deque<Batch> full_;
  Appetite appetite_ = Appetite::none;
  bool is_wanted_ = false;  // what was written meets the I/O thread's appetite
  std::uint64_t written_ = 0;
  std::uint64_t accepted_ = 0;
  bool closing_ = false;
  bool close_taken_ = false;
  bool closed_ = false;
  std::optional<Problem> write_problem_;

  // Reading.
  AckMode ack_mode_;
  const std::uint64_t from_;
  bool reading_ = false;   // results were asked for
  bool watching_ = false;  // at least the end was
  std::deque<JobResults> arrived_;
  bool complete_ = false;  // no result follows
  std::optional<JobStatus> final_;
  std::optional<Problem> read_problem_;
  std::atomic<bool> read_failed_{false};
  std::atomic<bool> ended_{false};
  std::atomic<std::uint64_t> consumed_{0};
  std::atomic<std::uint64_t> ack_at_{0};
  std::uint64_t delivered_ = 0;  // I/O thread only

  // The reading user's own.
  JobResults current_;
  std::string last_;  // the last result of its message and its error text, when the message was let go
  std::optional<OutcomeCursor> cursor_;
  std::uint64_t read_upto_ = 0;  // behind the last result that was given to the user
};

// Throws what a problem is for the user.
[[noreturn]] void raise(const Problem& problem);

}  // namespace stint::client
