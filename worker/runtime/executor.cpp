#include "worker/runtime/executor.hpp"

#include <algorithm>
#include <utility>

namespace stint::worker {
namespace {

constexpr std::int64_t kCompany = 8;  // Results wait while so many more would end meanwhile.

}  // namespace

Executor::Executor(std::shared_ptr<Wakeup> wakeup) { common_->wakeup = std::move(wakeup); }

void Executor::set_slots(unsigned slots) {
  while (slots_.size() < slots) slots_.push_back(Slot::start(last_slot_++, common_));
  while (slots_.size() > slots) {
    slots_.back()->retire();
    retired_.push_back(std::move(slots_.back()));
    slots_.pop_back();
  }
  common_->queue.wake_all();
}

void Executor::run(const RunTasks& tasks, std::shared_ptr<const Handler> handler, TimePoint now) {
  auto parcel = std::make_shared<Parcel>(tasks, std::move(handler));
  std::erase_if(parcels_, [](const auto& entry) { return entry.second.expired(); });
  parcels_[tasks.ticket] = parcel;
  const std::uint32_t count = parcel->count();
  common_->queue.push(std::make_shared<Work>(std::move(parcel), 0, count));
  if (are_quick_) wait_until_ = now + limits::kResultWait;
}

std::vector<Run> Executor::stop(const StopTasks& order) {
  if (order.mode == RecallMode::stop) {
    const auto found = parcels_.find(order.ticket);
    if (const auto parcel = found == parcels_.end() ? nullptr : found->second.lock()) parcel->recall(order.runs);
  }
  std::vector<Run> unstarted = common_->queue.take_back(order.ticket, order.runs);
  if (order.mode == RecallMode::stop) {
    for (const auto& slot : slots_) slot->stop(order.ticket);
    for (const auto& slot : retired_) slot->stop(order.ticket);
  }
  return unstarted;
}

void Executor::stop_overtime(const StopOvertime& order, TimePoint now) {
  for (const auto* slots : {&slots_, &retired_}) {
    for (const auto& slot : *slots) {
      if (slot->number() == order.slot) slot->stop_overtime(order.ticket, order.index, now);
    }
  }
}

bool Executor::write_off(const WriteOff& order, TimePoint now) {
  const auto at =
      std::find_if(slots_.begin(), slots_.end(), [&](const auto& slot) { return slot->number() == order.slot; });
  if (at == slots_.end()) {
    for (const auto& slot : retired_) {
      if (slot->number() == order.slot) slot->write_off(order.ticket, order.index, now);
    }
    return false;  // it was no longer counted on
  }
  if (!(*at)->write_off(order.ticket, order.index, now)) return false;
  retired_.push_back(std::move(*at));
  slots_.erase(at);
  return true;
}

void Executor::obey(const Obey& limits) {
  common_->max_payload_bytes = limits.max_payload_bytes;
  common_->batch_bytes = std::max<std::uint64_t>(limits.batch_bytes, 1);
}

Harvest Executor::harvest(TimePoint now) {
  Harvest harvest;
  const bool with_progress = now >= progress_at_ && common_->progress_pending.exchange(false);
  if (with_progress) progress_at_ = now + limits::kProgressInterval;
  const TimePoint ripe = wait_until_ ? now - limits::kResultWait : TimePoint::max();
  for (const auto& slot : slots_) slot->harvest(harvest, with_progress, ripe);
  for (const auto& slot : retired_) slot->harvest(harvest, with_progress, ripe);
  harvest.load.queued = common_->queue.queued();
  judge(harvest, now);
  forget_retired();
  return harvest;
}

// Results wait for company when tasks are so quick that many end within the wait. A harvest of nothing says nothing about that, unless
// it comes after a whole wait: then the next result is told at once.
void Executor::judge(const Harvest& harvest, TimePoint now) {
  std::int64_t ended = 0;
  Duration busy{};
  for (const Harvest::Ended& each : harvest.ended) {
    ended += each.outcomes.count();
    busy += std::chrono::microseconds(each.outcomes.total_micros());
  }
  if (ended > 0) {
    const Duration mean = std::max(busy / ended, limits::kQuickestTask);
    are_quick_ = kCompany * mean < limits::kResultWait;
    wait_until_.reset();
    const bool more_follow = !harvest.load.running.empty() || harvest.load.queued > 0;
    if (are_quick_ && more_follow) wait_until_ = now + limits::kResultWait;
  } else if (!harvest.waiting_since && wait_until_ && now >= *wait_until_) {
    wait_until_.reset();
  }
  if (wait_until_ && harvest.waiting_since) wait_until_ = *harvest.waiting_since + limits::kResultWait;
}

void Executor::forget_retired() {
  std::erase_if(retired_, [](const std::shared_ptr<Slot>& slot) {
    if (!slot->thread_has_ended() || slot->has_news(false)) return false;
    slot->join();
    return true;
  });
}

bool Executor::has_news() const {
  const auto has_news = [this](const std::shared_ptr<Slot>& slot) { return slot->has_news(wait_until_.has_value()); };
  return std::any_of(slots_.begin(), slots_.end(), has_news) || std::any_of(retired_.begin(), retired_.end(), has_news);
}

TimePoint Executor::next_deadline() const {
  const TimePoint progress_at = common_->progress_pending ? progress_at_ : TimePoint::max();
  return std::min(progress_at, wait_until_.value_or(TimePoint::max()));
}

bool Executor::shut_down(Duration patience) {
  retired_.insert(retired_.end(), slots_.begin(), slots_.end());
  slots_.clear();
  for (const auto& slot : retired_) slot->abandon();
  common_->queue.close();
  const auto all_ended = [this] {
    return std::all_of(retired_.begin(), retired_.end(), [](const auto& slot) { return slot->thread_has_ended(); });
  };
  std::unique_lock lock(common_->mutex);
  common_->thread_ended.wait_for(lock, patience, all_ended);
  const bool complete = all_ended();
  lock.unlock();
  for (const auto& slot : retired_) {
    if (slot->thread_has_ended()) {
      slot->join();
    } else {
      slot->detach();
    }
  }
  retired_.clear();
  return complete;
}

}  // namespace stint::worker
