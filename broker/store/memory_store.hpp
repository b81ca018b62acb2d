// The store of `--memory`: what the core holds is all there is. A change is as durable as it will ever be when it
// arrives, so it commits within the turn that decided it: the same path as with a disk, only shorter.
#pragma once

#include <utility>

#include "broker/store/store.hpp"
#include "common/model/require.hpp"

namespace stint::broker {

class MemoryStore final : public StoreInterface {
 public:
  void append(CommitId commit, Change) override { newest_ = commit; }
  void fetch(Wanted) override { STINT_REQUIRE(!"the core holds everything itself"); }
  StoreNews news() override { return {std::exchange(newest_, std::nullopt), {}, {}}; }

 private:
  std::optional<CommitId> newest_;
};

}  // namespace stint::broker
