#include "worker/runtime/slot.hpp"

#include <algorithm>
#include <utility>

#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "worker/core/held_tasks.hpp"

namespace stint::worker {
namespace {

constexpr std::ptrdiff_t kSegmentsTried = 8;  // for one with more of the same lease: jobs that take turns have theirs side by side

std::uint32_t micros_between(TimePoint from, TimePoint to) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(micros, 0, UINT32_MAX));
}

std::string seconds(Duration duration) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  std::string text = std::to_string(milliseconds / 1000);
  if (milliseconds % 1000 != 0) text += "." + std::to_string(1000 + milliseconds % 1000).substr(1);
  return text + " s";
}

}  // namespace

std::shared_ptr<Slot> Slot::start(unsigned number, std::shared_ptr<SlotCommon> common) {
  auto slot = std::make_shared<Slot>(number, std::move(common));
  slot->thread_ = std::thread([slot] { slot->loop(); });
  return slot;
}

// --- the slot's thread ---------------------------------------------------------------------------------------------

void Slot::loop() {
  bool usable = true;
  while (usable && !retired_) {
    const std::shared_ptr<Work> work = common_->queue.next(retired_);
    if (!work) break;
    TimePoint turn = now();
    const TimePoint until = turn + limits::kJobTurn;
    const TimePoint latest = until + limits::kJobTurn / 2;
    std::uint32_t done = 0;
    const auto goes_on = [&] { return turn < until || (turn < latest && work->left() <= done / 2); };  // a small rest is ended too
    work_on(work->parcel()->ticket());
    while (usable && !retired_ && goes_on() && !common_->queue.held_back()) {
      const std::optional<std::uint32_t> position = work->take();
      if (!position) break;
      usable = run(*work->parcel(), *position, turn);
      ++done;
    }
    work_on(std::nullopt);
    common_->wake(Sleep::brief);
  }
  const std::lock_guard lock(common_->mutex);
  ended_ = true;
  common_->thread_ended.notify_all();
}

void Slot::work_on(std::optional<Ticket> ticket) {
  const std::lock_guard lock(mutex_);
  working_on_ = ticket;
}

bool Slot::run(const Parcel& parcel, std::uint32_t position, TimePoint& turn) {
  if (!begin(parcel, parcel.index(position), turn)) return true;
  Task task(parcel.info(position), *this);
  Ending ending = run_handler(parcel.handler(), task);
  turn = now();
  return end(std::move(ending), turn);
}

bool Slot::begin(const Parcel& parcel, Index index, TimePoint turn) {
  {
    const std::lock_guard lock(mutex_);
    current_.emplace(Current{.parcel = &parcel, .index = index, .since = turn});
    if (!parcel.is_recalled(index)) return true;
    add_stopped(parcel.ticket(), index);
    current_.reset();
  }
  common_->wake(Sleep::deep);
  return false;
}

bool Slot::end(Ending ending, TimePoint& turn) {
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    if (written_off_) return false;
    record(ending, turn);
    full = bytes_ >= common_->batch_bytes;
  }
  common_->wake(full ? Sleep::brief : Sleep::deep);
  if (full) {
    wait_for_harvest();
    turn = now();  // the wait is none of the next task's time
  }
  return true;
}

// Requires: the lock, and a current task.
void Slot::record(Ending& ending, TimePoint turn) {
  if (current_->recalled) {
    add_stopped(current_->parcel->ticket(), current_->index);
  } else {
    add(ending, turn);
  }
  current_.reset();
}

// Keeps what is in memory within its limit while results come faster than they can be sent.
void Slot::wait_for_harvest() {
  std::unique_lock lock(mutex_);
  harvested_.wait(lock, [this] { return retired_ || bytes_ < common_->batch_bytes; });
}

void Slot::add(Ending& ending, TimePoint turn) {
  const std::uint32_t micros = micros_between(current_->since, turn);
  const JobInfo& job = current_->parcel->job();
  if (ending.error.size() > limits::kMaxTextBytes) ending.error.resize(limits::kMaxTextBytes);
  if (current_->overtime_since) {
    const std::string said = ending.error.empty() ? "" : ": " + ending.error;
    ending = {.failure = Failure::timed_out,
              .error = "stopped, as it was over the job's time limit of " +
                       seconds(std::chrono::milliseconds(job.time_limit_ms)) + said,
              .exit = ending.exit,
              .signal = ending.signal};
  }
  check_size(ending, common_->max_payload_bytes);
  if (job.discard) ending.result.clear();
  bytes_ += ending.result.size() + ending.error.size();
  OutcomesBuilder& outcomes = outcomes_of(current_->parcel->ticket(), turn);
  if (ending.failure) {
    outcomes.not_done(current_->index, *ending.failure, ending.result, ending.error, micros, ending.exit,
                      ending.signal);
  } else {
    outcomes.done_with(current_->index, std::move(ending.result), micros);
  }
}

OutcomesBuilder& Slot::outcomes_of(Ticket ticket, TimePoint turn) {
  const auto has_room = [&](const Segment& segment) {
    return segment.ticket == ticket && segment.outcomes.bytes() < common_->batch_bytes &&
           segment.outcomes.count() < limits::kMaxResultTasks;
  };
  const auto tried = std::min<std::ptrdiff_t>(std::ssize(segments_), kSegmentsTried);
  const auto found = std::find_if(segments_.end() - tried, segments_.end(), has_room);
  if (found != segments_.end()) return found->outcomes;
  segments_.push_back({ticket, turn, {}});
  return segments_.back().outcomes;
}

void Slot::add_stopped(Ticket ticket, Index index) {
  if (stopped_.empty() || stopped_.back().ticket != ticket) stopped_.push_back({ticket, {}});
  append(stopped_.back().runs, index);
}

// --- the task that runs --------------------------------------------------------------------------------------------

void Slot::progress(double fraction, std::string_view note) {
  {
    const std::lock_guard lock(mutex_);
    if (!current_) return;
    current_->progress = {current_->parcel->ticket(), current_->index, fraction,
                          std::string(note.substr(0, limits::kMaxTextBytes))};
  }
  if (!common_->progress_pending.exchange(true)) common_->wake(Sleep::brief);
}

std::stop_token Slot::stop_token() {
  std::stop_source source(std::nostopstate);
  bool stopping = true;
  {
    const std::lock_guard lock(mutex_);
    if (current_) {
      if (!current_->stop.stop_possible()) current_->stop = std::stop_source();
      source = current_->stop;
      stopping = current_->recalled || current_->overtime_since || written_off_;
    } else {
      source = std::stop_source();
    }
  }
  if (stopping) source.request_stop();
  return source.get_token();
}

// --- the I/O thread ------------------------------------------------------------------------------------------------

void Slot::harvest(Harvest& into, bool with_progress, TimePoint ripe) {
  const std::lock_guard lock(mutex_);
  const bool is_full = bytes_ >= common_->batch_bytes;
  bytes_ = 0;
  std::erase_if(segments_, [&](Segment& segment) {
    const bool may_wait = !is_full && segment.ticket == working_on_ && segment.since > ripe;
    if (may_wait) {
      into.waiting_since = std::min(into.waiting_since.value_or(segment.since), segment.since);
      bytes_ += segment.outcomes.bytes();
    } else {
      into.ended.push_back({segment.ticket, segment.outcomes.take()});
    }
    return !may_wait;
  });
  std::move(stopped_.begin(), stopped_.end(), std::back_inserter(into.stopped));
  stopped_.clear();
  if (is_full) harvested_.notify_all();
  if (!current_) return;
  if (with_progress && current_->progress) {
    into.progress.push_back(std::move(*current_->progress));
    current_->progress.reset();
  }
  into.load.running.push_back(
      {number_, current_->parcel->ticket(), current_->index, current_->since, current_->overtime_since});
}

bool Slot::has_news(bool but_present) {
  const std::lock_guard lock(mutex_);
  const auto is_news = [&](const Segment& segment) { return !but_present || segment.ticket != working_on_; };
  return !stopped_.empty() || bytes_ >= common_->batch_bytes || std::any_of(segments_.begin(), segments_.end(), is_news);
}

// Handlers' callbacks may call us, so a stop is requested without the lock.
void Slot::stop(Ticket ticket) {
  std::stop_source source(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    if (!current_ || current_->parcel->ticket() != ticket || !current_->parcel->is_recalled(current_->index)) return;
    current_->recalled = true;
    source = current_->stop;
  }
  source.request_stop();
}

void Slot::stop_overtime(Ticket ticket, Index index, TimePoint now) {
  std::stop_source source(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    if (!runs(ticket, index) || current_->overtime_since) return;
    current_->overtime_since = now;
    source = current_->stop;
  }
  source.request_stop();
}

bool Slot::write_off(Ticket ticket, Index index, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (!runs(ticket, index)) return false;
  Ending stuck{.error = "and had not stopped " + seconds(limits::kTimeoutGrace) + " later, so that its slot is lost"};
  record(stuck, now);
  written_off_ = true;
  retired_ = true;
  return true;
}

bool Slot::runs(Ticket ticket, Index index) const {
  return current_ && current_->parcel->ticket() == ticket && current_->index == index;
}

void Slot::retire() { retired_ = true; }

void Slot::abandon() {
  std::stop_source source(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    retired_ = true;
    written_off_ = true;
    harvested_.notify_all();
    if (current_) source = current_->stop;
  }
  source.request_stop();
}

void Slot::join() { thread_.join(); }
void Slot::detach() { thread_.detach(); }

}  // namespace stint::worker
