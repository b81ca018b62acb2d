// Tasks of one lease on their way to the slots, which take them one by one through an atomic counter.
//
//   auto work = std::make_shared<Work>(parcel, 0, parcel->count());
//   while (auto position = work->take()) run(parcel->payload(*position));   // any number of threads
//   auto [first, end] = work->take_rest();                                   // nobody will take these any more
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "stint/worker.hpp"
#include "worker/core/actions.hpp"

namespace stint::worker {

// A lease as it came, with the handler for it.
class Parcel {
 public:
  Parcel(RunTasks tasks, std::shared_ptr<const Handler> handler);

  Ticket ticket() const { return tasks_.ticket; }
  const JobInfo& job() const { return *tasks_.job; }
  std::uint32_t count() const { return tasks_.indices.count(); }
  Index index(std::uint32_t position) const { return tasks_.indices.at(position); }
  const Handler& handler() const { return *handler_; }
  TaskInfo info(std::uint32_t position) const;

  // Tasks that are to be stopped wherever they are; no runs = all. A slot looks here after it has said what it runs, so
  // that no task slips through between the queue and the slot.
  void recall(const std::vector<Run>& runs);
  bool is_recalled(Index index) const;

 private:
  RunTasks tasks_;
  std::shared_ptr<const Handler> handler_;
  std::string_view bytes_;              // all payloads
  std::vector<std::uint32_t> offsets_;  // of the payloads, where their sizes differ
  std::atomic<bool> any_recalled_{false};
  mutable std::mutex mutex_;
  std::vector<Run> recalled_;
};

// The part of a parcel from one position to another.
class Work {
 public:
  Work(std::shared_ptr<Parcel> parcel, std::uint32_t first, std::uint32_t end)
      : parcel_(std::move(parcel)), next_(first), end_(end) {}

  std::optional<std::uint32_t> take() {
    const std::uint32_t position = next_.fetch_add(1, std::memory_order_relaxed);
    return position < end_ ? std::optional(position) : std::nullopt;
  }
  std::pair<std::uint32_t, std::uint32_t> take_rest() { return {std::min(next_.exchange(end_), end_), end_}; }

  std::uint32_t left() const { return end_ - std::min(next_.load(std::memory_order_relaxed), end_); }
  const std::shared_ptr<Parcel>& parcel() const { return parcel_; }

 private:
  std::shared_ptr<Parcel> parcel_;
  std::atomic<std::uint32_t> next_;  // runs beyond the end by one for each slot that finds nothing left
  std::uint32_t end_;
};

}  // namespace stint::worker
