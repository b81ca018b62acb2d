#include "tests/sim/bus.hpp"

#include <algorithm>

namespace stint::sim {

bool Watcher::wants(const std::string& topic) const {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return topic.starts_with(prefix); });
}

void Bus::broker_starts(Subscribe subscribe) {
  subscribe_ = std::move(subscribe);
  for (const auto& watcher : watchers_) {
    for (const std::string& prefix : watcher->prefixes) this->subscribe(prefix);
  }
}

// The broker hears of it a moment later.
void Bus::subscribe(const std::string& prefix) {
  world_.in(world_.random.duration(10us, 20ms), [this, prefix] {
    if (subscribe_) subscribe_(prefix, true);
  });
}

void Bus::publish(const Event& event) {
  for (const auto& watcher : watchers_) {
    if (!watcher->watching || !watcher->wants(event.topic)) continue;
    if (!world_.faults_over() && world_.random.chance(world_.options.events_lost)) {
      watcher->record.missed_something();
      continue;
    }
    watcher->last = std::max(watcher->last, world_.now() + world_.random.duration(10us, world_.options.latency));
    world_.at(watcher->last, [watcher, event] {
      if (watcher->watching) watcher->record.saw(event);
    });
  }
}

void Bus::check_ended(StoreId store, JobId job) const {
  for (const auto& watcher : watchers_) watcher->record.check_ended(store, job);
}

void Bus::join(std::vector<std::string> prefixes) {
  watchers_.push_back(std::make_shared<Watcher>(world_, "watcher-" + std::to_string(++names_), prefixes));
  for (const std::string& prefix : prefixes) subscribe(prefix);
}

void Bus::leave(Watcher& watcher) {
  watcher.watching = false;
  for (const std::string& prefix : std::exchange(watcher.prefixes, {})) {
    const bool others = std::any_of(watchers_.begin(), watchers_.end(), [&](const auto& other) {
      return std::find(other->prefixes.begin(), other->prefixes.end(), prefix) != other->prefixes.end();
    });
    if (!others && subscribe_) subscribe_(prefix, false);
  }
}

void Bus::change_one() {
  if (watchers_.empty()) return;
  const auto watcher = world_.random.pick(watchers_);
  const std::vector<std::string> prefixes = watcher->prefixes;
  if (world_.random.chance(0.5)) {
    for (const std::string& prefix : prefixes) subscribe(prefix);
    return;
  }
  leave(*watcher);
  watchers_.erase(std::find(watchers_.begin(), watchers_.end(), watcher));
  world_.in(world_.random.duration(0ms, 1s), [this, prefixes] { join(prefixes); });
}

}  // namespace stint::sim
