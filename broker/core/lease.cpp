#include "broker/core/lease.hpp"

#include <algorithm>

namespace stint::broker {

Lease::Lease(LeaseId id, JobId job, Incarnation worker, Indices indices, Attempt attempt, Suspicion suspicion, std::uint64_t bytes)
    : id_(id),
      job_(job),
      worker_(worker),
      indices_(std::move(indices)),
      attempt_(attempt),
      suspicion_(suspicion),
      bytes_(bytes),
      open_(indices_.count()) {}

std::optional<std::uint32_t> Lease::position(Index index) const {
  if (indices_.is_run()) {
    if (!indices_.run().contains(index)) return std::nullopt;
    return static_cast<std::uint32_t>(index - indices_.run().first);
  }
  const auto& table = indices_.table();
  const auto at = std::lower_bound(table.begin(), table.end(), index);
  if (at == table.end() || *at != index) return std::nullopt;
  return static_cast<std::uint32_t>(at - table.begin());
}

bool Lease::is_gone(std::uint32_t position) const {
  return position < prefix_ || (!gone_.empty() && gone_[position]);
}

void Lease::set_gone(std::uint32_t position) {
  --open_;
  if (position == prefix_ && gone_.empty()) {
    ++prefix_;
    return;
  }
  if (gone_.empty()) gone_.resize(indices_.count());
  gone_[position] = true;
  while (prefix_ < gone_.size() && gone_[prefix_]) ++prefix_;
}

bool Lease::holds(Index index) const {
  const auto at = position(index);
  return at && !is_gone(*at);
}

bool Lease::take(Index index) {
  const auto at = position(index);
  if (!at || is_gone(*at)) return false;
  set_gone(*at);
  return true;
}

bool Lease::take(Run run) {
  if (run.count > open_) return false;
  if (gone_.empty() && position(run.first) == prefix_ && indices_.is_run()) {  // the usual case: in order
    prefix_ += static_cast<std::uint32_t>(run.count);
    open_ -= static_cast<std::uint32_t>(run.count);
    return true;
  }
  for (Index index = run.first; index < run.end(); ++index) {
    if (!holds(index)) return false;
  }
  for (Index index = run.first; index < run.end(); ++index) take(index);
  return true;
}

std::vector<Run> Lease::open_runs() const {
  RunBuilder runs;
  for (std::uint32_t i = prefix_; i < indices_.count(); ++i) {
    if (!is_gone(i)) runs.add(indices_.at(i));
  }
  return runs.take();
}

void RunBuilder::add(Index index) {
  if (!runs_.empty() && runs_.back().end() == index) {
    ++runs_.back().count;
  } else {
    runs_.push_back({index, 1});
  }
}

}  // namespace stint::broker
