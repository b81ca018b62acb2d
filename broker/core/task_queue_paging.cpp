// Tasks whose payloads lie in the store: of a long backlog, and after a restart.
#include <algorithm>

#include "broker/core/task_queue.hpp"
#include "common/model/require.hpp"

namespace stint::broker {

void TaskQueue::restore(const FoundTasks& found) {
  STINT_REQUIRE(chunks_.empty() && received_ == 0);
  received_ = found.received;
  received_bytes_ = found.received_bytes;
  fresh_ = found.handed_upto;
  handed_bytes_ = found.received_bytes - found.fresh_bytes;
  Index at = found.ended_below;
  const auto add_unended = [&](Index end) {
    for (; at < end; ++at) {
      Single& task = singles_[at];
      task.has_payload = false;
      task.was_found = true;
      task.where = Single::Where::unclaimed;
      task.attempts = 1;
      unclaimed_.insert(unclaimed_.end(), at);
    }
  };
  for (const Run& run : found.ended) {
    add_unended(run.first);
    at = std::max(at, run.end());
  }
  add_unended(found.handed_upto);
  for (const auto& [index, failures] : found.failures) {
    if (Single* task = find_single(index)) task->failures = failures;
  }
  const std::uint64_t handed = fresh_ - found.ended_below;
  if (handed > 0) chunks_.push_back({found.ended_below, handed, handed - singles_.size(), false, {}});
  fresh_chunk_ = chunks_.size();
  if (received_ > fresh_) chunks_.push_back({fresh_, received_ - fresh_, 0, false, {}});
  durable_chunks_ = chunks_.size();
}

Index TaskQueue::fresh_held() const {
  return fresh_ < received_ && chunks_[fresh_chunk_].is_here ? chunks_[fresh_chunk_].end() : fresh_;
}

// From the back of the backlog, which is needed last: what has just become durable is let go, when there is enough before it.
void TaskQueue::page_out(Index upto, std::uint64_t most) {
  while (durable_chunks_ < chunks_.size() && chunks_[durable_chunks_].end() <= upto) {
    Chunk& chunk = chunks_[durable_chunks_];
    const std::uint64_t held = fresh_bytes_ + (chunks_.size() - fresh_chunk_) * sizeof(Chunk);
    if (durable_chunks_ <= fresh_chunk_ || held <= most) {
      ++durable_chunks_;
      continue;
    }
    fresh_bytes_ -= chunk.tasks.blob.size();
    chunk.tasks = Batch();
    chunk.is_here = false;
    Chunk& before = chunks_[durable_chunks_ - 1];
    if (before.is_here || durable_chunks_ - 1 < fresh_chunk_) {
      ++durable_chunks_;
    } else {
      before.count += chunk.count;
      chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(durable_chunks_));
    }
  }
}

std::optional<Index> TaskQueue::missing(std::uint64_t ahead) const {
  if (!absent_.empty()) return *absent_.begin();
  std::uint64_t held = 0;
  for (std::size_t at = fresh_chunk_; at < chunks_.size() && held < ahead; ++at) {
    if (!chunks_[at].is_here) return std::max(chunks_[at].first, fresh_);
    held += chunks_[at].tasks.blob.size() + sizeof(Chunk);
  }
  return std::nullopt;
}

void TaskQueue::want(Index index) {
  const Single* task = find_single(index);
  if (task != nullptr && !task->has_payload) absent_.insert(index);
}

void TaskQueue::fill(Index first, const Batch& tasks) {
  fill_singles(first, tasks);
  for (std::size_t at = fresh_chunk_; at < chunks_.size() && chunks_[at].first < first + tasks.count(); ++at) {
    const Index from = std::max({first, chunks_[at].first, fresh_});
    const Index end = std::min(first + tasks.count(), chunks_[at].end());
    if (chunks_[at].is_here || from >= end) continue;
    split(at, from, tasks.slice(static_cast<std::uint32_t>(from - first), static_cast<std::uint32_t>(end - from)));
  }
  locate_fresh();
}

void TaskQueue::fill_singles(Index first, const Batch& tasks) {
  if (first >= fresh_ || absent_.empty()) return;
  for (BatchCursor task(tasks); !task.done(); task.next()) {
    const Index index = first + task.position();
    Single* single = find_single(index);
    if (single == nullptr || single->has_payload) continue;
    single->payload = task.blob().compact();
    single->has_payload = true;
    absent_.erase(index);
    if (single->where == Single::Where::ready) ready_list(*single).insert(index);
  }
}

// A part of a chunk in the store is here again. Requires: nothing of the chunk was handed out.
void TaskQueue::split(std::size_t at, Index first, Batch tasks) {
  const Run whole{chunks_[at].first, chunks_[at].count};
  const Run part{first, tasks.count()};
  fresh_bytes_ += tasks.blob.size();
  std::vector<Chunk> parts;
  if (whole.first < part.first) parts.push_back({whole.first, part.first - whole.first, 0, false, {}});
  parts.push_back({part.first, part.count, 0, true, std::move(tasks)});
  if (part.end() < whole.end()) parts.push_back({part.end(), whole.end() - part.end(), 0, false, {}});
  chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(at));
  chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(at), parts.begin(), parts.end());
  if (at < durable_chunks_) durable_chunks_ += parts.size() - 1;
}

void TaskQueue::locate_fresh() {
  if (fresh_ == received_) return;
  fresh_chunk_ = chunk_of(fresh_);
  const Chunk& chunk = chunks_[fresh_chunk_];
  fresh_in_chunk_ = chunk.is_here ? static_cast<std::uint32_t>(fresh_ - chunk.first) : 0;
  fresh_offset_ = fresh_in_chunk_ == 0 ? 0 : chunk.tasks.slice(0, fresh_in_chunk_).blob.size();
}

}  // namespace stint::broker
