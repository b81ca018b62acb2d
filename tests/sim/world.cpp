#include "tests/sim/world.hpp"

#include <algorithm>
#include <utility>

namespace stint::sim {

void World::at(TimePoint when, std::function<void()> what) {
  if (free_places_.empty()) {
    free_places_.push_back(what_.size());
    what_.emplace_back();
  }
  const std::size_t place = free_places_.back();
  free_places_.pop_back();
  what_[place] = std::move(what);
  due_.push_back({std::max(when, now_), ++last_order_, place});
  std::push_heap(due_.begin(), due_.end(), std::greater<>());
}

bool World::run_until(TimePoint deadline, const std::function<bool()>& is_over) {
  constexpr std::uint64_t kSteps = 16;
  for (std::uint64_t step = 0; !due_.empty() && !(step % kSteps == 0 && is_over()); ++step) {
    if (due_.front().when > deadline) {
      now_ = deadline;
      return is_over();
    }
    std::pop_heap(due_.begin(), due_.end(), std::greater<>());
    const Due next = due_.back();
    due_.pop_back();
    now_ = next.when;
    const auto what = std::exchange(what_[next.place], nullptr);
    free_places_.push_back(next.place);
    what();
  }
  return is_over();
}

// FNV-1a over words rather than bytes: any difference between two runs shows.
void World::note(std::string_view bytes) {
  std::uint64_t hash = traffic_ ^ static_cast<std::uint64_t>(now_.time_since_epoch().count()) ^ (bytes.size() << 48);
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(bytes.size(), sizeof(word));
    std::copy_n(bytes.begin(), size, reinterpret_cast<char*>(&word));
    hash = (hash ^ word) * 0x100000001B3U;
    hash ^= hash >> 29;
    bytes.remove_prefix(size);
  }
  traffic_ = hash;
}

// A party that asks again and again, for ever, would make a run endless.
void World::delivered() {
  constexpr std::uint64_t kMost = 1'000'000;  // a hundred times what most runs need
  require(++messages_ <= kMost, "messages without end");
}

void World::say(const std::string& line) const {
  if (!verbose_) return;
  std::printf("%12.6f %s\n", std::chrono::duration<double>(now_ - kBeginning).count(), line.c_str());
}

void World::fail(const std::string& text) const {
  throw Failure("at " + std::to_string(std::chrono::duration<double>(now_ - kBeginning).count()) + " s: " + text);
}

void Process::stall(Duration duration) {
  world_.say(name_ + " stands still for " + std::to_string(std::chrono::duration<double>(duration).count()) + " s");
  stalled_until_ = std::max(stalled_until_, now() + duration);
}

void Process::wake_at(TimePoint when) {
  when = std::max({when, now(), stalled_until_, next_turn_});
  if (!alive_ || when >= wake_at_) return;
  wake_at_ = when;
  world_.at(when, [this, generation = ++generation_] {
    if (generation == generation_) take_turn();
  });
}

void Process::take_turn() {
  wake_at_ = TimePoint::max();
  if (!alive_) return;
  if (now() < stalled_until_) return wake_at(stalled_until_);
  notice_spinning();
  next_turn_ = now() + pace_;
  turn();
  if (!alive_) return;
  constexpr Duration kQuickest = 20us;  // a turn takes its time
  const TimePoint deadline = next_deadline();
  if (deadline != TimePoint::max()) wake_at(std::max(deadline, now() + kQuickest));
}

// A loop that never sleeps is a bug that no result shows.
void Process::notice_spinning() {
  constexpr int kTurns = 5000;
  if (now() - spinning_since_ > 200ms) {
    spinning_since_ = now();
    turns_ = 0;
  }
  if (++turns_ > kTurns && now() - spinning_since_ < kTurns * 25us) world_.fail(name_ + " turns without a pause");
}

}  // namespace stint::sim
