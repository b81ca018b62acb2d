// What the broker must not lose goes through here, and others are told only after it is durable.
//
//   store.append(commit, change);                       // for each Store action, in order; never waits for a disk
//   if (auto upto = store.committed()) core.committed(*upto, out);
//   wait({..., store.fd()}, deadline);                  // readable when more has become durable
//
// Used by the thread that turns the loop.
#pragma once

#include <optional>

#include "broker/core/outbox.hpp"

namespace stint::broker {

class StoreInterface {
 public:
  StoreInterface() = default;
  StoreInterface(const StoreInterface&) = delete;
  StoreInterface& operator=(const StoreInterface&) = delete;
  virtual ~StoreInterface() = default;

  virtual void append(CommitId commit, Change change) = 0;

  // The newest change that is durable together with all before it, if there is one since the last call.
  virtual std::optional<CommitId> committed() = 0;

  // Readable when committed() has something to say; -1 where it always says it at once.
  virtual int fd() const { return -1; }
};

}  // namespace stint::broker
