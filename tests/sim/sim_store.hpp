// The store of one start of the broker, in virtual time: it commits when it likes, and whatever it is asked to do may fail.
//
//   SimStore store(world, disk, [&] { wake(); });
//   store.append(commit, change);
//   const broker::StoreNews news = store.news();  // throws StoreError: nothing more is durable, and the broker has to end
//   store.die();                                  // with the broker
//
// What is durable lies in the disk, which outlives it. A commit takes what has gathered by then, writes it, syncs it, and reports it.
// When the broker dies in between, or a call fails, the disk holds nothing of that commit, or all of it, or its first changes, since a
// store may have made several transactions of it; never half a change, nor anything that was appended later.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/store/store.hpp"
#include "tests/disk/disk.hpp"
#include "tests/sim/world.hpp"

namespace stint::sim {

class SimStore final : public broker::StoreInterface {
 public:
  // `wake` is called when there is news.
  SimStore(World& world, broker::Disk& disk, std::function<void()> wake)
      : world_(world), disk_(disk), wake_(std::move(wake)) {}

  void append(broker::CommitId commit, broker::Change change) override;
  void fetch(broker::Wanted wanted) override;
  broker::StoreNews news() override;

  void fill(Duration duration);  // for so long there is no room for new tasks
  void fail_next() { fails_next_ = true; }
  void die();

 private:
  bool works() const { return !dead_ && !error_; }
  bool fails(const char* call);
  void begin_commit();
  void end_commit();
  void keep(std::size_t changes);

  World& world_;
  broker::Disk& disk_;
  std::function<void()> wake_;
  std::deque<broker::Store> waiting_;  // not durable, in order
  std::size_t writing_ = 0;            // of them: on their way to the disk
  broker::StoreNews news_;
  std::optional<std::string> error_;
  bool fails_next_ = false;
  bool dead_ = false;
};

}  // namespace stint::sim
