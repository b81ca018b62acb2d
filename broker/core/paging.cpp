// Payloads of long backlogs lie in the store, and come back shortly before they are handed out.
#include <algorithm>
#include <utility>

#include "broker/core/broker.hpp"
#include "broker/core/call.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"
#include "common/model/require.hpp"

namespace stint::broker {

// What has become durable need not be held, when there is enough before it.
void Broker::page_out(Job& job) {
  if (!options_.durable) return;
  const std::uint64_t most = backlog_bytes_ > options_.held_bytes ? options_.held_job_bytes / limits::kCrowdedShare : options_.held_job_bytes;
  const std::uint64_t before = job.tasks.fresh_bytes();
  job.tasks.page_out(job.told.accepted, most);
  backlog_bytes_ -= before - job.tasks.fresh_bytes();
}

void Broker::read_ahead(Job& job) {
  if (!options_.durable || job.fetching || !may_go(job)) return;
  const std::optional<Index> first = job.tasks.missing(options_.read_ahead_bytes / 2);
  if (!first) return;
  job.fetching = true;
  out_->fetch(WantedTasks{job.id, *first, options_.read_ahead_bytes});
}

void Broker::fetched(Fetched fetched, Outbox& out) {
  const Call call(*this, out);
  std::visit([this](auto& what) { take_in(std::move(what)); }, fetched);
  settle();
}

void Broker::take_in(FetchedTasks fetched) {
  Job* job = find_job(fetched.wanted.job);
  if (job == nullptr || job->cancelled) return;
  job->fetching = false;
  const std::uint64_t before = job->tasks.fresh_bytes();
  for (const auto& [first, tasks] : fetched.chunks) job->tasks.fill(first, tasks);
  backlog_bytes_ += job->tasks.fresh_bytes() - before;
  STINT_REQUIRE(job->tasks.missing(1) != fetched.wanted.first);  // else the store has lost an accepted task
  stirred_jobs_.insert(job->id);
}

void Broker::store_full(std::string reason, Outbox& out) {
  const Call call(*this, out);
  if (reason == store_full_) return;
  store_full_ = std::move(reason);
  out_->log(store_full_.empty() ? Level::info : Level::warning,
            store_full_.empty() ? "there is room for new tasks again" : "no new tasks are taken in: " + escaped(store_full_));
  for (const auto& [id, job] : jobs_) {
    if (!job->ended) stirred_jobs_.insert(id);
  }
  settle();
}

}  // namespace stint::broker
