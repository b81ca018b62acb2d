// The queue between deciding and telling.
#include "broker/core/broker.hpp"
#include "broker/core/call.hpp"

namespace stint::broker {
namespace {

std::uint64_t payload_of(const Change& change) {
  if (const auto* tasks = std::get_if<AppendTasks>(&change)) return tasks->tasks.blob.size();
  if (const auto* outcomes = std::get_if<AppendOutcomes>(&change)) return outcomes->results.outcomes.blob.size();
  return 0;
}

}  // namespace

// Something for the store; what is decided from now on rests on it.
void Broker::change(Change change) {
  last_commit_ = CommitId{static_cast<std::uint64_t>(last_commit_) + 1};
  if (const std::uint64_t bytes = payload_of(change); bytes > 0) {
    uncommitted_.emplace_back(last_commit_, bytes);
    uncommitted_bytes_ += bytes;
  }
  out_->store(last_commit_, std::move(change));
}

// Also what needs no commit of its own waits behind what was decided before it.
void Broker::when_committed(Effect effect) { effects_.emplace_back(last_commit_, std::move(effect)); }

void Broker::committed(CommitId upto, Outbox& out) {
  const Call call(*this, out);
  committed_ = upto;
  const bool was_behind = is_store_behind();
  while (!uncommitted_.empty() && uncommitted_.front().first <= upto) {
    uncommitted_bytes_ -= uncommitted_.front().second;
    uncommitted_.pop_front();
  }
  if (was_behind && !is_store_behind()) {  // what has waited for it may go on
    for (const auto& [id, job] : jobs_) {
      if (!job->ended) stirred_jobs_.insert(id);
    }
  }
  settle();
}

void Broker::apply(const CommandDone& command) {
  if (Client* client = find_client(command.client)) say(*client, command.done);
}

}  // namespace stint::broker
