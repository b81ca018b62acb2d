#include "common/client/channel.hpp"

#include <algorithm>
#include <utility>

#include "common/client/shell.hpp"
#include "common/model/limits.hpp"
#include "common/net/clock.hpp"

namespace stint::client {

void raise(const Problem& problem) {
  switch (problem.kind) {
    case Problem::Kind::conflict:
      throw Conflict(problem.text, problem.code);
    case Problem::Kind::displaced:
      throw Displaced(problem.text, problem.code);
    case Problem::Kind::gone:
      throw JobGone(problem.text, problem.code);
    case Problem::Kind::refused:
      break;
  }
  throw Refused(problem.text, problem.code);
}

Channel::Channel(std::shared_ptr<Shell> shell, Identity identity, AttachOptions options)
    : shell_(std::move(shell)),
      identity_(std::move(identity)),
      ack_mode_(options.ack),
      from_(options.from),
      consumed_(options.from),
      delivered_(options.from),
      read_upto_(options.from) {}

// Waits until the predicate holds, or the deadline has come: false then. Throws what stops everyone.
template <class Predicate>
bool Channel::wait(Lock& lock, TimePoint deadline, bool interruptible, Predicate predicate) {
  while (!predicate()) {
    shell_->check(interruptible);
    const TimePoint present = now();
    if (present >= deadline) return false;
    ++waiting_;
    changed_.wait_for(lock, std::min<Duration>(deadline - present, 1h));
    --waiting_;
  }
  return true;
}

void Channel::notify() {
  const Lock lock(mutex_);
  changed_.notify_all();
}

// --- writing ---

void Channel::write(std::string_view payload, Timeout timeout) {
  Lock lock(mutex_);
  shell_->check(true);
  check_writable(payload);
  if (put(payload)) return hand_over(lock);
  const bool in_time = wait(lock, deadline_of(timeout), true, [&] { return has_room() || write_problem_; });
  if (!in_time)
    throw TimedOut("the broker took no more tasks of job " + std::to_string(value(id_)) + " in time. Try again");
  check_writable(payload);
  put(payload);
  hand_over(lock);
}

bool Channel::try_write(std::string_view payload) {
  Lock lock(mutex_);
  shell_->check(true);
  check_writable(payload);
  if (!put(payload)) return false;
  hand_over(lock);
  return true;
}

void Channel::check_writable(std::string_view payload) {
  if (write_problem_) raise(*write_problem_);
  if (identity_.key.empty()) {
    throw Refused("job " + std::to_string(value(id_)) + " was attached, not opened: only who opens it can write to it",
                  ErrorCode::not_yours);
  }
  if (closing_) {
    throw Refused("job " + std::to_string(value(id_)) + " was closed by close(): no task can follow",
                  ErrorCode::closed);
  }
  if (payload.size() > shell_->max_payload_bytes()) {
    throw Refused("a task of " + std::to_string(payload.size()) + " bytes is over the limit of " +
                      std::to_string(shell_->max_payload_bytes()) +
                      ". Put the data into a file, and its name into the task",
                  ErrorCode::too_large);
  }
}

bool Channel::put(std::string_view payload) {
  if (!has_room()) return false;
  if (!filling_.empty() && filling_.bytes() + payload.size() > shell_->batch_bytes()) seal();
  filling_.add(payload);
  if (filling_.bytes() >= shell_->batch_bytes() || filling_.count() >= limits::kBatchTasks) seal();
  ++written_;
  if (appetite_ == Appetite::anything || (appetite_ == Appetite::full_batch && !full_.empty())) {
    appetite_ = Appetite::none;
    is_wanted_ = true;
  }
  return true;
}

// Behind the lock, for which the I/O thread would only wait again.
void Channel::hand_over(Lock& lock) {
  if (!std::exchange(is_wanted_, false)) return;
  lock.unlock();
  shell_->touch(*this);
}

void Channel::seal() { full_.push_back(filling_.take()); }

void Channel::close() {
  const Lock lock(mutex_);
  if (identity_.key.empty()) check_writable({});
  if (std::exchange(closing_, true)) return;
  shell_->touch(*this);
}

void Channel::flush(TimePoint deadline) {
  Lock lock(mutex_);
  wishes_.hurry = true;
  shell_->touch(*this);
  if (!wait(lock, deadline, true, [&] { return is_accepted() || write_problem_; })) {
    throw TimedOut("job " + std::to_string(value(id_)) + ": " + std::to_string(written_ - accepted_) +
                   " tasks are not yet accepted. Try again");
  }
  if (write_problem_ && !is_accepted()) raise(*write_problem_);
}

// --- reading ---

std::optional<TaskResult> Channel::try_next() {
  check_readable();
  acknowledge_read();
  if (!has_result() && !step_to_next_batch()) return std::nullopt;
  return take_result();
}

std::optional<TaskResult> Channel::next(Timeout timeout) {
  if (std::optional<TaskResult> result = try_next(); result || ended()) return result;
  {
    Lock lock(mutex_);
    const auto ready = [&] { return !arrived_.empty() || complete_ || read_problem_; };
    if (!wait(lock, deadline_of(timeout), true, ready)) {
      throw TimedOut("no result of job " + std::to_string(value(id_)) + " came in time. Try again");
    }
  }
  return try_next();
}

void Channel::check_readable() {
  if (read_failed_.load(std::memory_order_acquire)) {
    const Lock lock(mutex_);
    raise(*read_problem_);
  }
  shell_->check(true);
}

// What the user was given before, he is done with. Nobody else writes the position in this mode.
void Channel::acknowledge_read() {
  if (ack_mode_ != AckMode::automatic || read_upto_ <= consumed_.load(std::memory_order_relaxed)) return;
  consumed_.store(read_upto_, std::memory_order_relaxed);
  if (read_upto_ >= ack_at_.load(std::memory_order_relaxed)) ask_to_acknowledge();
}

void Channel::ack(std::uint64_t position) {
  const std::uint64_t upto = position + 1;
  std::uint64_t before = consumed_.load(std::memory_order_relaxed);
  while (before < upto && !consumed_.compare_exchange_weak(before, upto, std::memory_order_relaxed)) {
  }
  if (upto >= ack_at_.load(std::memory_order_relaxed)) ask_to_acknowledge();
}

void Channel::ask_to_acknowledge() {
  ack_at_.store(UINT64_MAX, std::memory_order_relaxed);
  shell_->touch(*this);
}

bool Channel::step_to_next_batch() {
  const Lock lock(mutex_);
  if (!reading_ && !complete_) start_reading(true);
  cursor_.reset();
  if (arrived_.empty()) {
    if (complete_) ended_.store(true, std::memory_order_relaxed);
    return false;
  }
  current_ = std::move(arrived_.front());
  arrived_.pop_front();
  cursor_.emplace(current_.outcomes);
  return true;
}

void Channel::start_reading(bool results) {
  (results ? reading_ : watching_) = true;
  wishes_.read = Reading{results, identity_.order, from_};
  shell_->touch(*this);
}

TaskResult Channel::take_result() {
  const NotDone* failure = cursor_->not_done();
  TaskResult result;
  result.index = cursor_->index();
  result.attempt = current_.attempt;
  result.worker = current_.worker;
  result.took = std::chrono::microseconds(cursor_->micros());
  result.result = cursor_->result();
  result.error = cursor_->error();
  result.position = identity_.order ? result.index : current_.position + cursor_->position();
  if (failure != nullptr) {
    result.state = failure->code == Failure::cancelled ? TaskState::cancelled : TaskState::failed;
    result.failure = failure->code;
    result.exit = failure->exit;
    result.signal = failure->signal;
  }
  cursor_->next();
  read_upto_ = result.position + 1;
  if (cursor_->done()) keep_only(result);
  return result;
}

// The last result of a message is valid until the next read, which may be long in coming. A client with a thousand jobs would hold a
// thousand messages meanwhile.
void Channel::keep_only(TaskResult& result) {
  const std::size_t size = result.result.size() + result.error.size();
  if (current_.outcomes.blob.size() / 2 <= size) return;
  last_.assign(result.result).append(result.error);
  result.result = std::string_view(last_).substr(0, result.result.size());
  result.error = std::string_view(last_).substr(result.result.size());
  cursor_.reset();
  current_.outcomes = {};
}

Ready Channel::poll(Ready wanted, Timeout timeout) {
  const bool read = has(wanted, Ready::readable);
  if (read && has_result()) return Ready::readable;
  if (read) acknowledge_read();
  Lock lock(mutex_);
  if (read && !reading_ && !complete_) start_reading(true);
  const bool write = has(wanted, Ready::writable) && (!read || !closing_);
  unsigned ready = 0;
  wait(lock, deadline_of(timeout), true, [&] {
    if (write && (has_room() || closing_ || write_problem_)) ready |= static_cast<unsigned>(Ready::writable);
    if (read && (!arrived_.empty() || complete_ || read_problem_)) ready |= static_cast<unsigned>(Ready::readable);
    return ready != 0;
  });
  if (read && complete_ && arrived_.empty()) ended_.store(true, std::memory_order_relaxed);
  return static_cast<Ready>(ready);
}

void Channel::detach() {
  const Lock lock(mutex_);
  wishes_.detach = true;
  wishes_.read.reset();
  reading_ = watching_ = false;
  complete_ = true;
  arrived_.clear();
  shell_->touch(*this);
}

// --- following ---

void Channel::wait_opened() {
  Lock lock(mutex_);
  wait(lock, TimePoint::max(), false, [&] { return opened_ || write_problem_; });
  if (!opened_) raise(*write_problem_);
}

JobReport Channel::wait_ended(TimePoint deadline) {
  Lock lock(mutex_);
  if (!reading_ && !watching_ && !final_) start_reading(false);
  if (!wait(lock, deadline, true, [&] { return final_ || read_problem_; })) {
    throw TimedOut("job " + std::to_string(value(id_)) + " has not ended in time. It goes on");
  }
  if (!final_) raise(*read_problem_);
  JobReport report;
  report.id = id_;
  report.name = identity_.name;
  report.kind = identity_.kind;
  report.state = final_->counts.cancelled > 0 ? JobState::cancelled : JobState::ended;
  report.ended = true;
  report.counts = final_->counts;
  report.reason = final_->reason;
  return report;
}

void Channel::abandon() {
  const Lock lock(mutex_);
  wishes_.abandoned = true;
  shell_->touch(*this);
}

// --- for the I/O thread ---

Channel::Wishes Channel::take_wishes() {
  const Lock lock(mutex_);
  const bool abandoned = wishes_.abandoned;
  Wishes wishes = std::exchange(wishes_, {});
  wishes_.abandoned = abandoned;  // holds until all that was written has been taken
  return wishes;
}

std::optional<Batch> Channel::take_batch(Appetite appetite) {
  const Lock lock(mutex_);
  appetite_ = Appetite::none;
  std::optional<Batch> batch;
  if (appetite == Appetite::none) return batch;
  if (!full_.empty()) {
    batch = std::move(full_.front());
    full_.pop_front();
    if (waiting_ > 0) changed_.notify_all();
  } else if (appetite == Appetite::anything && !filling_.empty()) {
    batch = filling_.take();
  } else {
    appetite_ = appetite;
  }
  return batch;
}

bool Channel::is_empty() {
  const Lock lock(mutex_);
  return full_.empty() && filling_.empty();
}

bool Channel::take_close() {
  const Lock lock(mutex_);
  if (!closing_ || close_taken_ || !full_.empty() || !filling_.empty()) return false;
  return close_taken_ = true;
}

void Channel::opened(JobId id, std::uint64_t resumed) {
  const Lock lock(mutex_);
  id_ = id;
  resumed_ = resumed;
  opened_ = true;
  changed_.notify_all();
}

void Channel::accepted(std::uint64_t next, bool closed) {
  const Lock lock(mutex_);
  if (accepted_ == next && closed_ == closed) return;  // only that more may be sent
  accepted_ = next;
  closed_ = closed;
  if (waiting_ > 0) changed_.notify_all();
}

void Channel::arrived(JobResults results) {
  const Outcomes& outcomes = results.outcomes;
  delivered_ =
      (identity_.order ? outcomes.indices.at(outcomes.count() - 1) : results.position + outcomes.count() - 1) + 1;
  Lock lock(mutex_);
  if (complete_) return;  // detached meanwhile
  arrived_.push_back(std::move(results));
  const bool is_awaited = waiting_ > 0;
  lock.unlock();  // else whoever wakes up would wait once more, for the lock
  if (is_awaited) changed_.notify_all();
}

void Channel::reported(const JobStatus& status) {
  if (status.state != JobState::ended) return;
  const Lock lock(mutex_);
  final_ = status;
  if (reading_ && !wishes_.read) complete_ = true;
  changed_.notify_all();
}

void Channel::failed(const Problem& problem) {
  const Lock lock(mutex_);
  if (problem.scope != Problem::Scope::reading) {
    write_problem_ = problem;
    full_.clear();
    filling_ = BatchBuilder();
  }
  if (problem.scope != Problem::Scope::writing) {
    read_problem_ = problem;
    arrived_.clear();
    read_failed_.store(true, std::memory_order_release);
  }
  changed_.notify_all();
}

}  // namespace stint::client
