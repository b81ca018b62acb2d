#include "worker/core/held_tasks.hpp"

#include <algorithm>

namespace stint::worker {

void append(std::vector<Run>& runs, Index index) {
  if (!runs.empty() && runs.back().end() == index) {
    ++runs.back().count;
  } else {
    runs.push_back({index, 1});
  }
}

void normalise(std::vector<Run>& runs) {
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.first < b.first; });
  std::size_t last = 0;
  for (std::size_t i = 1; i < runs.size(); ++i) {
    if (runs[i].first > runs[last].end()) {
      runs[++last] = runs[i];
    } else {
      runs[last].count = std::max(runs[last].end(), runs[i].end()) - runs[last].first;
    }
  }
  if (!runs.empty()) runs.resize(last + 1);
}

HeldTasks::HeldTasks(const Indices& indices) : first_(indices.run().first), sorted_(indices.table()) {
  std::sort(sorted_.begin(), sorted_.end());
  sorted_.erase(std::unique(sorted_.begin(), sorted_.end()),
                sorted_.end());  // a broker that names a task twice means one
  phases_.assign(indices.is_run() ? indices.count() : sorted_.size(), Phase::live);
  counts_[static_cast<std::size_t>(Phase::live)] = static_cast<std::uint32_t>(phases_.size());
}

std::size_t HeldTasks::lower_bound(Index index) const {
  if (!sorted_.empty()) {
    return static_cast<std::size_t>(std::lower_bound(sorted_.begin(), sorted_.end(), index) - sorted_.begin());
  }
  return index <= first_ ? 0 : std::min<std::uint64_t>(index - first_, phases_.size());
}

Phase HeldTasks::of(Index index) const {
  const std::size_t position = lower_bound(index);
  return position < phases_.size() && at(position) == index ? phases_[position] : Phase::gone;
}

void HeldTasks::set(std::size_t position, Phase to) {
  --counts_[static_cast<std::size_t>(phases_[position])];
  phases_[position] = to;
  ++counts_[static_cast<std::size_t>(to)];
}

bool HeldTasks::move(Phase from, Phase to, Index index) {
  const std::size_t position = lower_bound(index);
  if (position == phases_.size() || at(position) != index || phases_[position] != from) return false;
  set(position, to);
  return true;
}

std::vector<Run> HeldTasks::move_runs(const std::vector<Run>& runs, Phase from, Phase to) {
  if (runs.empty() && !phases_.empty()) return move_runs({Run{at(0), at(phases_.size() - 1) - at(0) + 1}}, from, to);
  std::vector<Run> moved;
  for (const Run& run : runs) {
    for (std::size_t i = lower_bound(run.first); i < phases_.size() && run.contains(at(i)); ++i) {
      if (phases_[i] != from) continue;
      set(i, to);
      append(moved, at(i));
    }
  }
  return moved;
}

std::vector<Run> HeldTasks::runs() const {
  std::vector<Run> held;
  for (std::size_t i = 0; i < phases_.size(); ++i) {
    if (phases_[i] != Phase::gone) append(held, at(i));
  }
  return held;
}

}  // namespace stint::worker
