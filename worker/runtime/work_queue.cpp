#include "worker/runtime/work_queue.hpp"

#include <algorithm>
#include <utility>

#include "worker/core/held_tasks.hpp"

namespace stint::worker {
namespace {

bool names(const std::vector<Run>& runs, Index index) {
  return runs.empty() || std::any_of(runs.begin(), runs.end(), [index](const Run& run) { return run.contains(index); });
}

// Takes what was named of the rest of a piece; what was not stays in the queue, as pieces of its own.
void split(Work& work, const std::vector<Run>& runs, std::deque<std::shared_ptr<Work>>& kept, std::vector<Run>& taken) {
  const auto [first, end] = work.take_rest();
  std::uint32_t kept_from = first;
  for (std::uint32_t i = first; i < end; ++i) {
    if (!names(runs, work.parcel()->index(i))) continue;
    if (kept_from < i) kept.push_back(std::make_shared<Work>(work.parcel(), kept_from, i));
    kept_from = i + 1;
    append(taken, work.parcel()->index(i));
  }
  if (kept_from < end) kept.push_back(std::make_shared<Work>(work.parcel(), kept_from, end));
}

}  // namespace

void WorkQueue::push(std::shared_ptr<Work> work) {
  std::unique_lock lock(mutex_);
  const unsigned waiting = waiting_;
  const unsigned wanted = std::min(waiting, work->left());
  add(std::move(work));
  lock.unlock();  // else a slot that wakes up would wait once more, for the lock
  if (wanted == waiting) return changed_.notify_all();
  for (unsigned i = 0; i < wanted; ++i) changed_.notify_one();
}

void WorkQueue::add(std::shared_ptr<Work> work) {
  const JobId job = work->parcel()->job().job;
  const auto [own, is_new] = pieces_.try_emplace(job);
  if (is_new) turns_.push_back(job);
  own->second.push_back(std::move(work));
}

std::shared_ptr<Work> WorkQueue::next(const std::atomic<bool>& retired) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  changed_.wait(lock, [&] { return closed_ || retired || (!held_back_ && has_work()); });
  --waiting_;
  if (closed_ || retired) return nullptr;
  const JobId job = turns_.front();
  turns_.pop_front();
  turns_.push_back(job);
  return pieces_[job].front();
}

bool WorkQueue::has_work() {
  while (!turns_.empty()) {
    const auto own = pieces_.find(turns_.front());
    while (!own->second.empty() && own->second.front()->left() == 0) own->second.pop_front();
    if (!own->second.empty()) return true;
    pieces_.erase(own);
    turns_.pop_front();
  }
  return false;
}

std::vector<Run> WorkQueue::take_back(Ticket ticket, const std::vector<Run>& runs) {
  std::vector<Run> taken;
  const std::lock_guard lock(mutex_);
  for (auto& [job, own] : pieces_) {
    Pieces kept;
    for (std::shared_ptr<Work>& work : own) {
      if (work->parcel()->ticket() == ticket) {
        split(*work, runs, kept, taken);
      } else {
        kept.push_back(std::move(work));
      }
    }
    own = std::move(kept);
  }
  normalise(taken);
  return taken;
}

std::uint32_t WorkQueue::queued() const {
  const std::lock_guard lock(mutex_);
  std::uint32_t tasks = 0;
  for (const auto& [job, own] : pieces_) {
    for (const auto& work : own) tasks += work->left();
  }
  return tasks;
}

void WorkQueue::hold_back(bool on) {
  const std::lock_guard lock(mutex_);
  held_back_ = on;
  if (!on) changed_.notify_all();
}

void WorkQueue::wake_all() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void WorkQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace stint::worker
