// The queue between deciding and telling.
#include "broker/core/broker.hpp"

namespace stint::broker {

// Something for the store; what is decided from now on rests on it.
void Broker::change(Change change) {
  last_commit_ = CommitId{static_cast<std::uint64_t>(last_commit_) + 1};
  out_->store(last_commit_, std::move(change));
}

// Also what needs no commit of its own waits behind what was decided before it.
void Broker::when_committed(Effect effect) { effects_.emplace_back(last_commit_, std::move(effect)); }

void Broker::apply(const CommandDone& command) {
  if (Client* client = find_client(command.client)) say(*client, command.done);
}

}  // namespace stint::broker
