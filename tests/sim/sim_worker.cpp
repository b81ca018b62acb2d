#include "tests/sim/sim_worker.hpp"

#include <algorithm>
#include <utility>

#include "common/model/limits.hpp"

namespace stint::sim {
namespace {

bool names(const std::vector<Run>& runs, Index index) {
  return runs.empty() || std::any_of(runs.begin(), runs.end(), [&](const Run& run) { return run.contains(index); });
}

std::uint32_t micros(Duration duration) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

}  // namespace

SimWorker::SimWorker(World& world, Network& network, Checker& checker, std::string name, std::vector<std::string> kinds,
                     unsigned slots)
    : Process(world, name.empty() ? "unnamed worker" : name, world.options.worker_pace),
      checker_(checker),
      link_(network, world, *this),
      self_(checker.worker_begins()),
      kinds_(std::move(kinds)),
      session_({.broker = "the broker",
                .name = std::move(name),
                .kinds = kinds_,
                .slots = slots,
                .incarnation = Incarnation{world.random.bits()},
                .random = world.random.bits()},
               world.now()) {
  while (slots_.size() < slots) slots_.push_back({++last_slot_, {}, {}, TimePoint::max(), false, {}});
  wake();
}

// --- what happens to it ---

void SimWorker::crash() {
  if (!alive()) return;
  world_.say(name() + " dies");
  end();
  link_.die();
}

void SimWorker::end() {
  self_->gone = true;
  die();
}

void SimWorker::drain() {
  if (!alive()) return;
  const Duration deadline = random().chance(0.5) ? Duration{} : random().duration(10ms, 3s);
  session_.drain(now(), deadline, "asked by its owner", out_);
  wake();
}

void SimWorker::offer(std::vector<std::string> kinds, unsigned slots) {
  if (!alive() || slots_.empty()) return;
  kinds_ = std::move(kinds);
  while (slots_.size() < slots) slots_.push_back({++last_slot_, {}, {}, TimePoint::max(), false, {}});
  while (slots_.size() > slots) {
    if (slots_.back().task) retired_.push_back(std::move(slots_.back()));
    slots_.pop_back();
  }
  session_.offer(now(), kinds_, slots, out_);
  wake();
}

void SimWorker::being_welcomed(const Envelope& welcome) {
  checker_.welcomed(*self_, std::get<Welcome>(welcome.message).name);
  losses_then_[welcome.session] = self_->losses;
  self_->welcomed = checker_.broker_starts();
}

// --- a turn, as that of worker/runtime/loop.cpp ---

void SimWorker::turn() {
  receive();
  if (!harvest()) return;
  start_tasks();
  report();
  session_.tick(now(), out_);
  perform();
  if (alive()) start_tasks();
}

void SimWorker::receive() {
  for (std::uint32_t i = 0; i < limits::kWorkerMessagesPerTurn; ++i) {
    const std::optional<Envelope> envelope = link_.receive();
    if (!envelope) return session_.drained(now(), out_);
    if (const auto* tasks = std::get_if<Tasks>(&envelope->message)) arriving_ = tasks->suspicion;
    const bool was_in_session = session_.in_session();
    session_.step(now(), *envelope, out_);
    if (const auto* welcome = std::get_if<Welcome>(&envelope->message);
        welcome != nullptr && !was_in_session && session_.in_session()) {
      store_ = welcome->store;
      if (std::exchange(epoch_, welcome->epoch) != welcome->epoch) suspicion_.clear();  // a restart makes nobody suspect
      self_->known = losses_then_[envelope->session];
    }
    perform();
    if (!alive()) return;
  }
}

// Suspects are handed out carefully: one for each slot, or alone.
void SimWorker::check_suspects(const worker::RunTasks& tasks) {
  const std::string who = name() + " (" + std::to_string(slots_.size()) + " slots)";
  std::uint64_t held = queue_.size() + tasks.indices.count();
  bool beside_lonely = false;
  for (const auto* slots : {&slots_, &retired_}) {
    for (const Slot& slot : *slots) {
      if (!slot.task || slot.recalled) continue;
      ++held;
      beside_lonely = beside_lonely || suspicion_[slot.task->ticket] == Suspicion::alone;
    }
  }
  suspicion_[tasks.ticket] = arriving_;
  world_.require(arriving_ != Suspicion::alone || held == 1,
                 who + " was given something beside a task that must be alone");
  world_.require(!beside_lonely, who + " was given something more beside a task that must be alone");
  const bool slots_are_fixed = options().worker_change == Duration{} && options().stubborn == 0;
  if (arriving_ == Suspicion::none || !slots_are_fixed) return;
  world_.require(held <= slots_.size(), who + " was given suspects and holds " + std::to_string(held) + " tasks");
}

TimePoint SimWorker::next_deadline() const {
  TimePoint deadline = session_.next_deadline();
  for (const auto* slots : {&slots_, &retired_}) {
    for (const Slot& slot : *slots) deadline = std::min(deadline, slot.ends);
  }
  return deadline;
}

// --- the executor ---

void SimWorker::start_tasks() {
  for (Slot& slot : slots_) {
    if (!slot.task && !start_next(slot, now())) return;
  }
}

bool SimWorker::start_next(Slot& slot, TimePoint since) {
  if (held_back_ || queue_.empty()) return false;
  Task task = std::move(queue_.front());
  queue_.pop_front();
  start(slot, std::move(task), since);
  return true;
}

JobRecord* SimWorker::record(const Task& task) {
  const StoreId store = origin_.at(task.ticket);
  if (checker_.is_retried(store, task.job->job)) return nullptr;
  return &checker_.record(assignment_of(task.payload.view()).plan, store);
}

void SimWorker::start(Slot& slot, Task task, TimePoint since) {
  if (JobRecord* known = record(task)) known->started(task.index, task.attempt, task.epoch, self_);
  if (world_.is_verbose()) world_.say("  " + name() + " starts " + std::string(task.payload.view().substr(0, 30)));
  slot.since = since;
  slot.recalled = false;
  slot.told.reset();
  const Duration takes = effort(task);
  slot.ends = takes == Duration::max() ? TimePoint::max() : since + takes;
  slot.task = std::move(task);
}

Duration SimWorker::effort(const Task& task) {
  switch (assignment_of(task.payload.view()).behaviour) {
    case Behaviour::slow:
      return random().duration(10ms, 3s);
    case Behaviour::hanging:
    case Behaviour::stubborn:
      return Duration::max();
    default:
      return random().duration(20us, options().task_time);
  }
}

bool SimWorker::harvest() {
  for (auto* slots : {&slots_, &retired_}) {
    for (Slot& slot : *slots) {
      while (slot.task && slot.ends <= now()) {
        if (assignment_of(slot.task->payload.view()).behaviour == Behaviour::killer && !slot.recalled) {
          crash();
          return false;
        }
        const TimePoint then = slot.ends;
        finish(slot);
        if (slots == &slots_) start_next(slot, then);  // a slot does not wait for the loop
      }
    }
  }
  std::erase_if(retired_, [](const Slot& slot) { return !slot.task; });
  return true;
}

void SimWorker::finish(Slot& slot) {
  const Task task = std::move(*slot.task);
  const std::uint32_t took = micros(std::min(slot.ends, now()) - slot.since);
  slot.task.reset();
  slot.ends = TimePoint::max();
  if (!slot.recalled) last_end_ = now();
  const std::string_view payload = task.payload.view();
  RunState how = RunState::done;
  OutcomesBuilder& ended = ended_[task.ticket];
  const Behaviour behaviour = assignment_of(payload).behaviour;
  if (slot.recalled && random().chance(0.8)) {
    stopped_[task.ticket].push_back({task.index, 1});
  } else if (slot.told) {
    ended.not_done(task.index, stint::Failure::timed_out, {}, "too slow", took);
    how = RunState::failed;
  } else if (behaviour == Behaviour::rejected) {
    ended.not_done(task.index, stint::Failure::rejected, {}, error_of(payload), took);
    how = RunState::rejected;
  } else if (behaviour == Behaviour::failing || (behaviour == Behaviour::flaky && random().chance(0.5))) {
    ended.not_done(task.index, stint::Failure::failed, {}, error_of(payload), took);
    how = RunState::failed;
  } else {
    ended.done(task.index, task.job->discard ? "" : result_of(payload, options().result), took);
  }
  if (slot.recalled) how = RunState::stopped;  // also when it ended before its handler heard of it
  if (JobRecord* known = record(task)) known->finished(task.index, task.attempt, self_, how);
}

void SimWorker::report() {
  for (auto& [ticket, outcomes] : ended_) {
    if (!outcomes.empty()) session_.ended(now(), ticket, outcomes.take(), out_);
  }
  ended_.clear();
  for (auto& [ticket, runs] : stopped_) {
    worker::normalise(runs);
    session_.given_back(now(), ticket, runs, out_);
  }
  stopped_.clear();
  worker::Load load;
  for (const auto* slots : {&slots_, &retired_}) {
    for (const Slot& slot : *slots) {
      if (slot.task) load.running.push_back({slot.number, slot.task->ticket, slot.task->index, slot.since, slot.told});
    }
  }
  load.queued = static_cast<std::uint32_t>(queue_.size());
  session_.busy(now(), std::move(load), out_);
}

void SimWorker::ask_to_stop(Slot& slot) {
  if (assignment_of(slot.task->payload.view()).behaviour == Behaviour::stubborn) return;
  slot.ends = std::min(slot.ends, now() + random().duration(0ms, random().chance(0.2) ? 2s : 20ms));
}

// --- what the session wants ---

void SimWorker::perform() {
  while (!out_.empty() && alive()) {
    for (const worker::Action& action : std::exchange(out_, {})) {
      if (alive()) std::visit([this](const auto& body) { act(body); }, action);
    }
  }
}

void SimWorker::act(const worker::Send& action) { link_.send(action.envelope); }

void SimWorker::act(const worker::RunTasks& action) {
  world_.require(std::find(kinds_.begin(), kinds_.end(), action.job->kind) != kinds_.end(),
                 name() + " was given a task of kind " + action.job->kind);
  check_suspects(action);
  origin_[action.ticket] = store_;
  std::uint32_t i = 0;
  for (BatchCursor at(action.tasks); !at.done(); at.next(), ++i) {
    queue_.push_back({action.ticket, action.job, action.indices.at(i), action.attempt, epoch_, at.blob()});
    world_.require(
        checker_.is_retried(store_, action.job->job) || assignment_of(at.view()).index == action.indices.at(i),
        name() + " was given the payload of another task");
  }
}

void SimWorker::act(const worker::StopTasks& action) {
  std::vector<Run> unstarted;
  std::erase_if(queue_, [&](const Task& task) {
    if (task.ticket != action.ticket || !names(action.runs, task.index)) return false;
    unstarted.push_back({task.index, 1});
    return true;
  });
  if (action.mode == RecallMode::stop) {
    for (auto* slots : {&slots_, &retired_}) {
      for (Slot& slot : *slots) {
        if (!slot.task || slot.task->ticket != action.ticket || !names(action.runs, slot.task->index)) continue;
        slot.recalled = true;
        ask_to_stop(slot);
      }
    }
  }
  worker::normalise(unstarted);
  session_.given_back(now(), action.ticket, unstarted, out_);
}

void SimWorker::act(const worker::StopOvertime& action) {
  for (auto* slots : {&slots_, &retired_}) {
    for (Slot& slot : *slots) {
      if (slot.number != action.slot || !slot.task || slot.task->ticket != action.ticket ||
          slot.task->index != action.index)
        continue;
      if (slot.told) continue;
      slot.told = now();
      ask_to_stop(slot);
    }
  }
}

void SimWorker::act(const worker::WriteOff& action) {
  for (auto* slots : {&slots_, &retired_}) {
    for (std::size_t i = 0; i < slots->size(); ++i) {
      Slot& slot = (*slots)[i];
      if (slot.number != action.slot || !slot.task || slot.task->ticket != action.ticket ||
          slot.task->index != action.index)
        continue;
      finish(slot);
      const bool counted = slots == &slots_;
      slots->erase(slots->begin() + static_cast<std::ptrdiff_t>(i));
      if (counted) session_.slot_lost(now(), "a handler does not stop", out_);
      return wake();
    }
  }
}

void SimWorker::act(const worker::Say& action) {
  const bool is_impatient = now() - last_end_ < limits::kFarewellWait;
  world_.require(!is_impatient || action.text.find("results were not acknowledged") == std::string::npos, name() + ": " + action.text);
  if (world_.is_verbose()) world_.say("  " + name() + ": " + action.text);
}

void SimWorker::act(const worker::Leave& action) {
  world_.say(name() + " leaves: " + action.reason);
  end();
  link_.close();
}

}  // namespace stint::sim
