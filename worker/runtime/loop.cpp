#include "worker/runtime/loop.hpp"

#include <algorithm>
#include <csignal>
#include <utility>
#include <variant>

#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "common/net/wait.hpp"

namespace stint::worker {

Loop::Loop(LoopOwner& owner, const SessionOptions& options, zmq::context_t* context, std::shared_ptr<Wakeup> wakeup,
           bool handle_signals)
    : owner_(owner),
      wakeup_(std::move(wakeup)),
      link_(context != nullptr ? *context : own_context_.emplace(1), options.broker),
      turn_(now()),
      session_(options, turn_),
      executor_(wakeup_) {
  if (handle_signals) signals_.emplace();
  executor_.set_slots(options.slots);
}

int Loop::run() {
  while (!exit_code_) {
    turn_ = now();
    wakeup_->clear();
    heed_signals();
    grant_wishes();
    receive();
    harvest();
    session_.tick(turn_, out_);
    perform();
    if (!exit_code_) wait_for_work();
  }
  return end();
}

void Loop::heed_signals() {
  if (!signals_) return;
  signals_->clear();
  const int count = signals_->count();
  if (count == std::exchange(signals_heeded_, count)) return;
  const std::string name = signals_->last() == SIGINT ? "SIGINT" : "SIGTERM";
  if (count == 1) return session_.drain(turn_, Duration::zero(), name + " received", out_);
  session_.leave_at_once(turn_, kExitInterrupted, "a second " + name + " received", out_);
}

void Loop::grant_wishes() {
  const Wishes wishes = owner_.take_wishes();
  if (wishes.offer) {
    executor_.set_slots(owner_.slots());
    session_.offer(turn_, owner_.kinds(), owner_.slots(), out_);
  }
  if (wishes.drain) session_.drain(turn_, wishes.deadline, "asked to by its program", out_);
}

// Each message is acted on before the next is looked for, so that a slot begins while we go on.
void Loop::receive() {
  for (std::uint32_t i = 0; i < limits::kWorkerMessagesPerTurn && !exit_code_; ++i) {
    const std::optional<Decoded> decoded = link_.receive();
    if (!decoded) return session_.drained(turn_, out_);
    if (const auto* envelope = std::get_if<Envelope>(&*decoded)) {
      session_.step(turn_, *envelope, out_);
      perform();
    } else if (!std::exchange(said_malformed_, true)) {
      owner_.say("what answers at " + link_.endpoint() +
                 " is no Stint broker that this worker understands: " + std::get<DecodeError>(*decoded).text);
    }
  }
}

void Loop::harvest() {
  Harvest harvest = executor_.harvest(turn_);
  for (Harvest::Ended& ended : harvest.ended) session_.ended(turn_, ended.ticket, std::move(ended.outcomes), out_);
  for (const Harvest::Stopped& stopped : harvest.stopped)
    session_.given_back(turn_, stopped.ticket, stopped.runs, out_);
  for (Harvest::Progress& note : harvest.progress) {
    session_.progress(turn_, note.ticket, note.index, note.fraction, std::move(note.note), out_);
  }
  session_.busy(turn_, std::move(harvest.load), out_);
}

// Carrying out one action may call for others.
void Loop::perform() {
  while (!out_.empty()) {
    const Outbox actions = std::exchange(out_, {});
    for (const Action& action : actions) std::visit([this](const auto& body) { act(body); }, action);
  }
}

void Loop::wait_for_work() {
  executor_.fall_asleep();
  if (!executor_.has_news()) {
    const int signals = signals_ ? signals_->fd() : -1;
    wait({link_.socket(), wakeup_->fd(), signals}, std::min(session_.next_deadline(), executor_.next_deadline()));
  }
  executor_.awake();
}

void Loop::act(const Send& action) {
  said_bye_ = said_bye_ || std::holds_alternative<Bye>(action.envelope.message);
  link_.send(action.envelope);
}

void Loop::act(const RunTasks& action) {
  std::shared_ptr<const Handler> handler = owner_.handler_of(action.job->kind);
  if (handler == nullptr) {
    const HeldTasks all(action.indices);
    return session_.given_back(turn_, action.ticket, all.runs(), out_);
  }
  executor_.run(action, std::move(handler), turn_);
}

void Loop::act(const WriteOff& action) {
  if (!executor_.write_off(action, turn_)) return;
  session_.slot_lost(turn_,
                     "a handler has not stopped though its task (index " + std::to_string(action.index) +
                         ") is over the job's time limit; its slot is lost",
                     out_);
}

void Loop::act(const Leave& action) {
  owner_.say("left: " + action.reason);
  exit_code_ = action.code;
}

// The goodbye may still leave while handlers are given a moment to return.
int Loop::end() {
  link_.close(said_bye_ ? limits::kWorkerLinger : Duration::zero());
  stuck_ = !executor_.shut_down(limits::kHandlerPatience);
  if (own_context_) own_context_->close();
  return *exit_code_;
}

}  // namespace stint::worker
