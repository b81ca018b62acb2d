// What a worker holds: tasks that come, go back, and end.
#include <algorithm>
#include <cmath>
#include <utility>

#include "common/model/limits.hpp"
#include "worker/core/session.hpp"

namespace stint::worker {

// --- JOB_INFO, TASKS -----------------------------------------------------------------------------------------------

void Session::on(TimePoint, const JobInfo& info, Outbox&) {
  if (info.gone) {
    jobs_.erase(info.job);
  } else {
    jobs_[info.job] = std::make_shared<const JobInfo>(info);
  }
}

// Tasks that crossed our goodbye, or a change of kinds, go back untouched.
bool Session::can_run(const Tasks& tasks) const {
  const auto job = jobs_.find(tasks.job);
  if (draining_ || job == jobs_.end() || tasks.indices.count() != tasks.tasks.count()) return false;
  return std::find(options_.kinds.begin(), options_.kinds.end(), job->second->kind) != options_.kinds.end();
}

void Session::on(TimePoint now, const Tasks& tasks, Outbox& out) {
  if (tasks.indices.count() == 0 || tickets_.contains(tasks.lease)) return;
  HeldTasks held(tasks.indices);
  if (!can_run(tasks)) return send(now, Release{tasks.lease, held.runs()}, out);
  const Ticket ticket{++last_ticket_};
  const std::shared_ptr<const JobInfo>& job = jobs_.at(tasks.job);
  if (job->time_limit_ms > 0) ++limited_;
  tickets_[tasks.lease] = ticket;
  leases_[ticket] = {tasks.lease, job, std::move(held)};
  out.emplace_back(RunTasks{ticket, job, tasks.lease, tasks.indices, tasks.attempt, tasks.tasks});
}

// --- RESULTS and their acknowledgement -----------------------------------------------------------------------------

void Session::ended(TimePoint now, Ticket ticket, Outcomes outcomes, Outbox& out) {
  const auto at = leases_.find(ticket);
  if (at == leases_.end() || left_) return;
  Lease& lease = at->second;
  std::vector<Run> unwanted, released;
  for (std::uint32_t i = 0; i < outcomes.count(); ++i) {
    const Index index = outcomes.indices.at(i);
    if (lease.tasks.move(Phase::live, Phase::gone, index)) continue;
    append(unwanted, index);
    if (lease.tasks.move(Phase::leaving, Phase::gone, index)) append(released, index);
  }
  if (!unwanted.empty()) outcomes = without(outcomes, unwanted);
  if (outcomes.count() > 0) {
    if (draining_) kept_ += outcomes.count();
    results_.add({lease.id, lease.job->job, std::move(outcomes)});
    if (in_session()) send_results(now, results_.entries().back(), out);
  }
  if (!released.empty()) send(now, Release{lease.id, std::move(released)}, out);
  forget_if_empty(at);
  regulate(out);
  leave_if_done(now, out);
}

void Session::send_results(TimePoint now, Unacknowledged::Entry& entry, Outbox& out) {
  Envelope envelope = conversation_.wrap(now, LeaseResults{entry.lease, entry.outcomes});
  entry.seq = envelope.seq;
  entry.sent = true;
  out.emplace_back(Send{std::move(envelope)});
}

void Session::on(TimePoint now, const ResultsAck& ack, Outbox& out) { acknowledge(now, ack.upto, out); }
void Session::on(TimePoint now, const Heartbeat& heartbeat, Outbox& out) { acknowledge(now, heartbeat.upto, out); }

void Session::acknowledge(TimePoint, std::uint32_t upto, Outbox& out) {
  results_.acknowledge(upto);
  regulate(out);
}

// While too many results wait for their acknowledgement, nothing further is started; what runs may end.
void Session::regulate(Outbox& out) {
  const bool full = conversation_.ever_welcomed() && results_.bytes() > conversation_.welcome().unacked_bytes;
  if (full == held_back_) return;
  held_back_ = full;
  out.emplace_back(HoldBack{full});
}

// --- RECALL and RELEASE --------------------------------------------------------------------------------------------

void Session::on(TimePoint now, const Recall& order, Outbox& out) {
  recall(now, order.lease, order.runs, order.mode, out);
}

void Session::recall(TimePoint now, LeaseId lease, const std::vector<Run>& runs, RecallMode mode, Outbox& out) {
  const auto known = tickets_.find(lease);
  if (known == tickets_.end()) return send(now, Release{lease, {}}, out);
  Lease& held = leases_.at(known->second);
  ++held.unanswered;
  stop(known->second, held, runs, mode, out);
}

// A Drop of WELCOME: as RECALL stop, and results that wait are forgotten too.
void Session::drop(TimePoint now, const Drop& dropped, Outbox& out) {
  std::vector<Run> forgotten = results_.forget(dropped);
  if (!forgotten.empty()) send(now, Release{dropped.lease, std::move(forgotten)}, out);
  if (tickets_.contains(dropped.lease)) recall(now, dropped.lease, dropped.runs, RecallMode::stop, out);
}

void Session::stop(Ticket ticket, Lease& lease, const std::vector<Run>& runs, RecallMode mode, Outbox& out) {
  if (mode == RecallMode::stop) lease.tasks.move_runs(runs, Phase::live, Phase::leaving);
  out.emplace_back(StopTasks{ticket, runs, mode});
}

void Session::given_back(TimePoint now, Ticket ticket, const std::vector<Run>& runs, Outbox& out) {
  if (const auto orphan = orphans_.find(ticket); orphan != orphans_.end()) orphan->second.stopped = true;
  const auto at = leases_.find(ticket);
  if (at == leases_.end() || left_) return;
  Lease& lease = at->second;
  std::vector<Run> released;
  if (!runs.empty()) {
    released = lease.tasks.move_runs(runs, Phase::live, Phase::gone);
    const std::vector<Run> stopped = lease.tasks.move_runs(runs, Phase::leaving, Phase::gone);
    released.insert(released.end(), stopped.begin(), stopped.end());
    normalise(released);
  }
  if (!released.empty() || lease.unanswered > 0) send(now, Release{lease.id, std::move(released)}, out);
  if (lease.unanswered > 0) --lease.unanswered;
  forget_if_empty(at);
  leave_if_done(now, out);
}

void Session::forget_if_empty(std::unordered_map<Ticket, Lease>::iterator at) {
  const Lease& lease = at->second;
  if (!lease.tasks.empty() || lease.unanswered > 0) return;
  if (lease.job->time_limit_ms > 0) --limited_;
  tickets_.erase(lease.id);
  leases_.erase(at);
}

std::uint32_t Session::count(Phase phase) const {
  std::uint32_t tasks = 0;
  for (const auto& [ticket, lease] : leases_) tasks += lease.tasks.count(phase);
  return tasks;
}

// --- PROGRESS and time limits --------------------------------------------------------------------------------------

void Session::progress(TimePoint now, Ticket ticket, Index index, double fraction, std::string text, Outbox& out) {
  const auto at = leases_.find(ticket);
  if (at == leases_.end() || at->second.tasks.of(index) != Phase::live) return;
  if (text.size() > limits::kMaxTextBytes) text.resize(limits::kMaxTextBytes);
  const double bounded = std::isnan(fraction) ? 0.0 : std::clamp(fraction, 0.0, 1.0);
  send(now, Progress{at->second.id, index, bounded, std::move(text)}, out);
}

void Session::busy(TimePoint now, Load load, Outbox& out) {
  load_ = std::move(load);
  forget_orphans();
  watch_time(now, out);
}

void Session::forget_orphans() {
  std::erase_if(orphans_, [this](const auto& orphan) {
    return orphan.second.stopped && std::none_of(load_.running.begin(), load_.running.end(),
                                                 [&](const Load::Running& task) { return task.ticket == orphan.first; });
  });
}

std::uint32_t Session::time_limit_ms(Ticket ticket) const {
  if (const auto lease = leases_.find(ticket); lease != leases_.end()) return lease->second.job->time_limit_ms;
  const auto orphan = orphans_.find(ticket);
  return orphan == orphans_.end() ? 0 : orphan->second.time_limit_ms;
}

// Nobody says when a task starts: that would cost a message between threads for each. Instead we look again when the
// first task that could have started since now could be over time.
void Session::watch_time(TimePoint now, Outbox& out) {
  overtime_check_ = TimePoint::max();
  if (limited_ == 0 && orphans_.empty()) return;
  const auto check_at = [this](TimePoint at) { overtime_check_ = std::min(overtime_check_, at); };
  for (const auto& [ticket, lease] : leases_) {
    if (lease.job->time_limit_ms > 0) check_at(now + std::chrono::milliseconds(lease.job->time_limit_ms));
  }
  for (const Load::Running& task : load_.running) {
    const std::uint32_t limit = time_limit_ms(task.ticket);
    if (limit == 0) continue;
    const TimePoint due = task.told ? *task.told + limits::kTimeoutGrace : task.since + std::chrono::milliseconds(limit);
    if (now < due) {
      check_at(due);
    } else if (task.told) {
      out.emplace_back(WriteOff{task.slot, task.ticket, task.index});
    } else {
      out.emplace_back(StopOvertime{task.slot, task.ticket, task.index});
      check_at(now + limits::kTimeoutGrace);
    }
  }
}

}  // namespace stint::worker
