#include "broker/core/task_queue.hpp"

#include <algorithm>

#include "common/model/require.hpp"

namespace stint::broker {

void TaskQueue::append(Batch tasks) {
  const std::uint64_t bytes = tasks.blob.size();
  chunks_.push_back({received_, tasks.count(), 0, true, std::move(tasks)});
  received_ += chunks_.back().count;
  received_bytes_ += bytes;
  fresh_bytes_ += bytes;
}

FreshTasks TaskQueue::take_fresh(Index upto, std::uint32_t max_tasks, std::uint64_t max_bytes) {
  STINT_REQUIRE(fresh_ < upto && upto <= received_ && fresh_ < fresh_held() && max_tasks > 0);
  const Chunk& chunk = chunks_[fresh_chunk_];
  const Sizes& sizes = chunk.tasks.sizes;
  const auto most = static_cast<std::uint32_t>(
      std::min({std::uint64_t{max_tasks}, upto - fresh_, chunk.count - fresh_in_chunk_}));
  std::uint32_t count = 1;
  std::uint64_t bytes = sizes.at(fresh_in_chunk_);
  if (sizes.is_uniform()) {
    const std::uint64_t fit = sizes.uniform_size() == 0 ? most : max_bytes / sizes.uniform_size();
    count = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(fit, 1, most));
    bytes = std::uint64_t{count} * sizes.uniform_size();
  } else {
    for (; count < most && bytes + sizes.at(fresh_in_chunk_ + count) <= max_bytes; ++count) {
      bytes += sizes.at(fresh_in_chunk_ + count);
    }
  }
  FreshTasks taken{{fresh_, count},
                   {sizes.slice(fresh_in_chunk_, count), chunk.tasks.blob.slice(fresh_offset_, static_cast<std::uint32_t>(bytes))}};
  fresh_ += count;
  handed_bytes_ += bytes;
  fresh_bytes_ -= bytes;
  fresh_in_chunk_ += count;
  fresh_offset_ += static_cast<std::uint32_t>(bytes);
  if (fresh_in_chunk_ == chunk.count) {
    ++fresh_chunk_;
    fresh_in_chunk_ = 0;
    fresh_offset_ = 0;
  }
  return taken;
}

std::size_t TaskQueue::chunk_of(Index index) const {
  const auto behind =
      std::upper_bound(chunks_.begin(), chunks_.end(), index, [](Index i, const Chunk& chunk) { return i < chunk.first; });
  STINT_REQUIRE(behind != chunks_.begin());
  const auto at = static_cast<std::size_t>(behind - chunks_.begin()) - 1;
  STINT_REQUIRE(index - chunks_[at].first < chunks_[at].count);
  return at;
}

Single* TaskQueue::find_single(Index index) {
  const auto at = singles_.find(index);
  return at == singles_.end() ? nullptr : &at->second;
}

void TaskQueue::separate(Run run) {
  STINT_REQUIRE(run.end() <= fresh_);
  for (std::size_t at = chunk_of(run.first); run.count > 0; ++at) {
    const Chunk& chunk = chunks_[at];
    const std::uint64_t first = run.first - chunk.first;
    const std::uint64_t count = std::min(run.count, chunk.count - first);
    const Run rest{run.first + count, run.count - count};
    if (!chunk.is_here) {  // found after a restart: each of its unended tasks is a single already
      run = rest;
      continue;
    }
    const Batch tasks = chunk.tasks.slice(static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count));
    for (BatchCursor task(tasks); !task.done(); task.next()) {
      Single single;
      single.payload = task.blob().compact();
      single.where = Single::Where::leased;
      single.attempts = 1;
      singles_.try_emplace(run.first + task.position(), std::move(single));
    }
    run = rest;
  }
}

Single& TaskQueue::single(Index index) {
  if (find_single(index) == nullptr) separate({index, 1});
  return singles_.at(index);
}

void TaskQueue::leave(Index index, Single& single) {
  if (single.where == Single::Where::ready) ready_list(single).erase(index);
  if (single.where == Single::Where::unclaimed) unclaimed_.erase(index);
  if (single.where == Single::Where::delayed) delayed_.erase({single.due, index});
}

void TaskQueue::make_ready(Index index, Suspicion suspicion) {
  Single& task = single(index);
  leave(index, task);
  task.where = Single::Where::ready;
  task.suspicion = suspicion;
  if (task.has_payload) {
    ready_list(task).insert(index);
  } else {
    absent_.insert(index);
  }
}

void TaskQueue::delay(Index index, TimePoint due) {
  Single& task = single(index);
  leave(index, task);
  task.where = Single::Where::delayed;
  task.due = due;
  delayed_.insert({due, index});
}

void TaskQueue::lease(Index index) {
  Single& task = single(index);
  leave(index, task);
  task.where = Single::Where::leased;
}

std::optional<TimePoint> TaskQueue::next_due() const {
  return delayed_.empty() ? std::nullopt : std::optional(delayed_.begin()->first);
}

std::vector<Index> TaskQueue::take_due(TimePoint now) {
  std::vector<Index> due;
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    due.push_back(delayed_.begin()->second);
    make_ready(due.back(), single(due.back()).suspicion);
  }
  return due;
}

std::vector<Index> TaskQueue::take_unclaimed() {
  const std::vector<Index> indices(unclaimed_.begin(), unclaimed_.end());
  for (const Index index : indices) make_ready(index, Suspicion::none);
  return indices;
}

void TaskQueue::end(Index index) { end(Run{index, 1}); }

void TaskQueue::end(Run run) {
  if (!singles_.empty()) {
    for (Index index = run.first; index < run.end(); ++index) {
      if (Single* task = find_single(index)) {
        leave(index, *task);
        absent_.erase(index);
        singles_.erase(index);
      }
    }
  }
  end_in_chunk(run);
}

void TaskQueue::end_in_chunk(Run run) {
  for (std::size_t at = chunk_of(run.first); run.count > 0; ++at) {
    Chunk& chunk = chunks_[at];
    const std::uint64_t here = std::min(run.count, chunk.end() - run.first);
    chunk.ended += here;
    STINT_REQUIRE(chunk.ended <= chunk.count);
    if (chunk.ended == chunk.count) chunk.tasks = Batch();
    run = {run.first + here, run.count - here};
  }
  while (!chunks_.empty() && chunks_.front().ended == chunks_.front().count) {
    STINT_REQUIRE(fresh_chunk_ > 0);
    chunks_.pop_front();
    --fresh_chunk_;
    if (durable_chunks_ > 0) --durable_chunks_;
  }
}

void TaskQueue::clear() {
  chunks_.clear();
  singles_.clear();
  for (auto& list : ready_) list.clear();
  delayed_.clear();
  absent_.clear();
  unclaimed_.clear();
  durable_chunks_ = 0;
  fresh_chunk_ = 0;
  fresh_in_chunk_ = 0;
  fresh_offset_ = 0;
  fresh_ = received_;
  handed_bytes_ = received_bytes_;
  fresh_bytes_ = 0;
}

}  // namespace stint::broker
