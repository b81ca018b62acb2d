// Leaving: give back what has not started, finish what runs, have the results acknowledged, say BYE.
#include <algorithm>
#include <utility>

#include "common/model/limits.hpp"
#include "worker/core/session.hpp"

namespace stint::worker {

void Session::on(TimePoint now, const Drain& order, Outbox& out) {
  drain(now, std::chrono::milliseconds(order.deadline_ms), "drained by the broker", out);
}

void Session::drain(TimePoint now, Duration deadline, const std::string& why, Outbox& out) {
  if (left_) return;
  if (deadline > Duration::zero()) stop_at_ = std::min(stop_at_, now + deadline);
  if (!std::exchange(draining_, true)) {
    why_ = why;
    out.emplace_back(Say{"draining (" + why + "): finishing what runs, taking nothing new"});
    say_state(now, out);
    for (auto& [ticket, lease] : leases_) stop(ticket, lease, {}, RecallMode::unstarted, out);
  }
  leave_if_done(now, out);
}

// No thread can be ended from outside in C++, so a slot whose handler does not stop is lost for good.
void Session::slot_lost(TimePoint now, const std::string& why, Outbox& out) {
  if (left_ || options_.slots == 0) return;
  --options_.slots;
  out.emplace_back(Say{why + "; slots left: " + std::to_string(options_.slots)});
  if (options_.slots > 0) return say_state(now, out);
  exit_code_ = kExitFailed;
  drain(now, Duration::zero(), "no slot is left, every one has a handler that did not stop when its time was over",
        out);
}

void Session::enforce_deadline(TimePoint now, Outbox& out) {
  if (!draining_) return;
  if (now < stop_at_) return;
  stop_at_ = TimePoint::max();
  if (count(Phase::live) == 0) return;
  const std::string sum = counted(kept_, "result") + " kept, " + counted(count(Phase::live), "task") + " stopped and given back";
  out.emplace_back(Say{"the drain's deadline is over: " + sum});
  why_ += "; at its deadline " + sum;
  for (auto& [ticket, lease] : leases_) stop(ticket, lease, {}, RecallMode::stop, out);
}

// Behind the answer to a HELLO there may be tasks already. If it left without a goodbye, they would count as lost with it.
void Session::leave_if_done(TimePoint now, Outbox& out) {
  if (!draining_ || left_ || now < answer_by_) return;
  answer_by_ = {};
  if (count(Phase::live) > 0) return;
  if (count(Phase::leaving) > 0) {
    if (give_up_at_ == TimePoint::max()) give_up_at_ = now + limits::kTimeoutGrace;
    if (now < give_up_at_) return;
  }
  if (!results_.empty()) {
    if (farewell_at_ == TimePoint::max()) farewell_at_ = now + limits::kFarewellWait;
    if (now < farewell_at_) return;
  }
  leave_at_once(now, exit_code_, why_, out);
}

void Session::leave_at_once(TimePoint now, int code, const std::string& why, Outbox& out) {
  if (std::exchange(left_, true)) return;
  const std::uint64_t undelivered = results_.tasks();
  if (undelivered > 0) {
    out.emplace_back(Say{std::to_string(undelivered) + " results were not acknowledged by the broker at " +
                         options_.broker + "; it will have these tasks run again"});
  }
  send(now, Bye{why, 0}, out);
  conversation_.farewell();
  out.emplace_back(Leave{code, why});
}

}  // namespace stint::worker
