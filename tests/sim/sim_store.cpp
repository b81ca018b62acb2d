#include "tests/sim/sim_store.hpp"

#include <utility>

#include "tests/sim/trace.hpp"

namespace stint::sim {

void SimStore::append(broker::CommitId commit, broker::Change change) {
  waiting_.push_back({commit, std::move(change)});
  if (writing_ == 0) begin_commit();
}

void SimStore::begin_commit() {
  if (!works() || waiting_.empty() || fails("write")) return;
  writing_ = waiting_.size();
  const Options& options = world_.options;
  if (options.commit_delay == Duration{}) return end_commit();
  Duration delay = world_.random.duration(20us, options.commit_delay);
  if (options.commits_in_bursts && world_.random.chance(0.05)) delay *= 10;
  world_.in(delay, [this] {
    if (!works()) return;
    end_commit();
    begin_commit();
  });
}

void SimStore::end_commit() {
  if (fails("sync")) return;
  news_.committed = waiting_[writing_ - 1].commit;
  keep(std::exchange(writing_, 0));
  wake_();
}

void SimStore::keep(std::size_t changes) {
  for (; changes > 0; --changes, waiting_.pop_front()) disk_.apply(waiting_.front().change);
}

// Served when its time comes, from what is durable then; until the answer is here, more may have become so.
void SimStore::fetch(broker::Wanted wanted) {
  world_.require(world_.options.durable, "something is wanted back from a store that keeps nothing");
  const Duration most = world_.options.fetch_delay / 2;
  world_.in(world_.random.duration(Duration{}, most), [this, most, wanted = std::move(wanted)] {
    if (!works() || fails("read")) return;
    world_.in(world_.random.duration(Duration{}, most), [this, fetched = disk_.fetch(wanted)] {
      if (!works()) return;
      news_.fetched.push_back(fetched);
      if (world_.is_verbose()) world_.say("  " + described(fetched));
      wake_();
    });
  });
}

void SimStore::fill(Duration duration) {
  news_.full = "the disk is full: make room";
  wake_();
  world_.in(duration, [this] {
    if (!works()) return;
    news_.full = "";
    wake_();
  });
}

bool SimStore::fails(const char* call) {
  if (!std::exchange(fails_next_, false)) return false;
  error_ = std::string("the disk does not ") + call;
  wake_();
  return true;
}

broker::StoreNews SimStore::news() {
  if (error_) throw broker::StoreError(*error_);
  return std::exchange(news_, {});
}

void SimStore::die() {
  dead_ = true;
  std::size_t kept = 0;
  if (writing_ > 0 && world_.random.chance(world_.options.last_write_kept))
    kept = world_.random.chance(0.5) ? writing_ : world_.random.below(writing_ + 1);
  if (world_.is_verbose()) {
    world_.say("  of " + std::to_string(writing_) + " changes on their way to the disk " + std::to_string(kept) +
               " are there, of " + std::to_string(waiting_.size() - writing_) + " others none");
  }
  keep(kept);
}

}  // namespace stint::sim
