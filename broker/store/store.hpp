// What the broker must not lose goes through here, and others are told only after it is durable.
//
//   store.append(commit, change);                       // for each Store action, in order; never waits for a disk
//   store.fetch(wanted);                                // for each Fetch action
//   const StoreNews news = store.news();                // behind them; throws StoreError: the process must end, nothing more is durable
//   core.committed(*news.committed, out); ...
//   wait({..., store.fd()}, deadline);                  // readable when there is news
//
// Used by the thread that turns the loop.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "broker/core/outbox.hpp"

namespace stint::broker {

// The store cannot keep its promise any more. what() names the file, the cause and the remedy.
class StoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What has happened in the store since it was last asked.
struct StoreNews {
  std::optional<CommitId> committed;    // the newest change that is durable together with all before it
  std::vector<Fetched> fetched;         // in the order of their asking
  std::optional<std::string> full;      // changed: why no new tasks can be taken in, with the remedy; empty when there is room again
};

class StoreInterface {
 public:
  StoreInterface() = default;
  StoreInterface(const StoreInterface&) = delete;
  StoreInterface& operator=(const StoreInterface&) = delete;
  virtual ~StoreInterface() = default;

  virtual void append(CommitId commit, Change change) = 0;
  virtual void fetch(Wanted wanted) = 0;
  virtual StoreNews news() = 0;

  // Readable when news() has something more to say; -1 where it always says it at once.
  virtual int fd() const { return -1; }
};

}  // namespace stint::broker
