#include "worker/runtime/work_queue.hpp"

#include <algorithm>
#include <cstddef>
#include <unordered_map>

#include "worker/core/held_tasks.hpp"

namespace stint::worker {
namespace {

bool names(const std::vector<Run>& runs, Index index) {
  return runs.empty() || std::any_of(runs.begin(), runs.end(), [index](const Run& run) { return run.contains(index); });
}

}  // namespace

void WorkQueue::push(std::shared_ptr<Work> work) {
  std::unique_lock lock(mutex_);
  const unsigned waiting = waiting_;
  const unsigned wanted = std::min(waiting, work->left());
  pieces_.insert(place_of(work->parcel()->job().job), std::move(work));
  lock.unlock();  // else a slot that wakes up would wait once more, for the lock
  if (wanted == waiting) return changed_.notify_all();
  for (unsigned i = 0; i < wanted; ++i) changed_.notify_one();
}

// Where the next piece of a job belongs. The n-th piece of any job comes before the n+1st of any other.
std::deque<std::shared_ptr<Work>>::iterator WorkQueue::place_of(JobId job) {
  const auto is_of = [](JobId id) { return [id](const auto& work) { return work->parcel()->job().job == id; }; };
  const auto own = std::count_if(pieces_.begin(), pieces_.end(), is_of(job));
  if (static_cast<std::size_t>(own) == pieces_.size()) return pieces_.end();
  std::unordered_map<JobId, std::ptrdiff_t> seen;
  return std::find_if(pieces_.begin(), pieces_.end(), [&](const auto& work) { return ++seen[work->parcel()->job().job] > own + 1; });
}

std::shared_ptr<Work> WorkQueue::next(const std::atomic<bool>& retired) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  changed_.wait(lock, [&] {
    drop_exhausted();
    return closed_ || retired || (!held_back_ && !pieces_.empty());
  });
  --waiting_;
  return closed_ || retired ? nullptr : pieces_.front();
}

void WorkQueue::drop_exhausted() {
  while (!pieces_.empty() && pieces_.front()->left() == 0) pieces_.pop_front();
}

std::vector<Run> WorkQueue::take_back(Ticket ticket, const std::vector<Run>& runs) {
  std::vector<Run> taken;
  const std::lock_guard lock(mutex_);
  std::deque<std::shared_ptr<Work>> pieces;
  for (std::shared_ptr<Work>& work : pieces_) {
    if (work->parcel()->ticket() != ticket) {
      pieces.push_back(std::move(work));
      continue;
    }
    const auto [first, end] = work->take_rest();
    std::uint32_t kept_from = first;  // what is not taken stays in the queue, as pieces of its own
    for (std::uint32_t i = first; i < end; ++i) {
      if (!names(runs, work->parcel()->index(i))) continue;
      if (kept_from < i) pieces.push_back(std::make_shared<Work>(work->parcel(), kept_from, i));
      kept_from = i + 1;
      append(taken, work->parcel()->index(i));
    }
    if (kept_from < end) pieces.push_back(std::make_shared<Work>(work->parcel(), kept_from, end));
  }
  pieces_ = std::move(pieces);
  normalise(taken);
  return taken;
}

std::uint32_t WorkQueue::queued() const {
  const std::lock_guard lock(mutex_);
  std::uint32_t tasks = 0;
  for (const auto& work : pieces_) tasks += work->left();
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
