// The total ledger: what must hold after every step, whatever the peers do.
#include "broker/core/broker.hpp"
#include "common/model/limits.hpp"
#include "common/model/require.hpp"

namespace stint::broker {

void Broker::check_invariants() const {
  std::map<JobId, std::uint64_t> running;
  std::map<Incarnation, std::uint64_t> held;
  for (const auto& [id, lease] : leases_) {
    STINT_REQUIRE(lease->id() == id && lease->open() > 0);
    if (!lease->revoked) running[lease->job()] += lease->open();
    held[lease->worker()] += lease->open();
    const Worker* worker = find_worker(lease->worker());
    STINT_REQUIRE(worker != nullptr && worker->leases.contains(id));
    const Job* job = find_job(lease->job());
    STINT_REQUIRE(lease->revoked || (job != nullptr && job->leases.contains(id)));
  }
  std::uint64_t backlog = 0;
  for (const auto& [id, job] : jobs_) {
    STINT_REQUIRE(job->counts.total() == job->tasks.received());
    STINT_REQUIRE(job->counts.running == running[id]);
    STINT_REQUIRE(job->counts.delayed == job->tasks.delayed());
    STINT_REQUIRE(job->told.accepted <= job->tasks.received());
    STINT_REQUIRE(job->tasks.fresh() <= job->told.accepted || job->cancelled);
    STINT_REQUIRE(job->counts.ended() + limits::kMaxUnendedTasks >= job->tasks.fresh() || job->cancelled);
    STINT_REQUIRE(!job->ended || job->counts.left() == 0);
    STINT_REQUIRE(!job->told.ended || job->ended);
    backlog += job->tasks.fresh_bytes();
  }
  STINT_REQUIRE(backlog == backlog_bytes_);
  std::uint64_t hoarded = 0;
  for (const auto& [name, worker] : workers_) {
    STINT_REQUIRE(worker->held == held[worker->incarnation]);
    STINT_REQUIRE(worker->name == name);
    hoarded += worker->held - std::min(worker->held, worker->slots);
  }
  STINT_REQUIRE(hoarded == hoarded_);
  STINT_REQUIRE(by_address_.size() <= peers_.size() && by_session_.size() == peers_.size());
}

}  // namespace stint::broker
