#include "worker/core/unacknowledged.hpp"

#include <algorithm>
#include <utility>

#include "worker/core/held_tasks.hpp"

namespace stint::worker {
namespace {

// Empty results take memory too.
std::uint64_t cost(const Outcomes& outcomes) {
  constexpr std::uint64_t kPerTask = 16;
  return outcomes.blob.size() + kPerTask * outcomes.count();
}

bool names(const std::vector<Run>& runs, Index index) {
  return std::any_of(runs.begin(), runs.end(), [index](const Run& run) { return run.contains(index); });
}

}  // namespace

Outcomes without(const Outcomes& outcomes, const std::vector<Run>& runs) {
  OutcomesBuilder kept;
  for (OutcomeCursor at(outcomes); !at.done(); at.next()) {
    if (names(runs, at.index())) continue;
    if (const NotDone* why = at.not_done()) {
      kept.not_done(at.index(), why->code, at.result(), at.error(), at.micros(), why->exit, why->signal);
    } else {
      kept.done(at.index(), at.result(), at.micros());
    }
  }
  return kept.take();
}

void Unacknowledged::add(Entry entry) {
  bytes_ += cost(entry.outcomes);
  entries_.push_back(std::move(entry));
}

void Unacknowledged::acknowledge(std::uint32_t upto) {
  // The numbers wrap, so "not beyond" is a difference.
  while (!entries_.empty() && entries_.front().sent && upto - entries_.front().seq < 0x8000'0000U) {
    bytes_ -= cost(entries_.front().outcomes);
    entries_.pop_front();
  }
}

void Unacknowledged::unsend() {
  for (Entry& entry : entries_) entry.sent = false;
}

std::vector<Run> Unacknowledged::forget(const Drop& drop) {
  std::vector<Run> forgotten;
  for (Entry& entry : entries_) {
    if (entry.lease != drop.lease) continue;
    std::vector<Run> named;
    for (std::uint32_t i = 0; i < entry.outcomes.count(); ++i) {
      const Index index = entry.outcomes.indices.at(i);
      if (drop.runs.empty() || names(drop.runs, index)) append(named, index);
    }
    if (named.empty()) continue;
    bytes_ -= cost(entry.outcomes);
    entry.outcomes = without(entry.outcomes, named);
    bytes_ += cost(entry.outcomes);
    forgotten.insert(forgotten.end(), named.begin(), named.end());
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.outcomes.count() == 0; });
  normalise(forgotten);
  return forgotten;
}

void Unacknowledged::clear() {
  entries_.clear();
  bytes_ = 0;
}

std::uint64_t Unacknowledged::tasks() const {
  std::uint64_t count = 0;
  for (const Entry& entry : entries_) count += entry.outcomes.count();
  return count;
}

}  // namespace stint::worker
