#include "tests/sim/sim_broker.hpp"

#include <algorithm>

#include "tests/sim/recovery.hpp"
#include "tests/sim/trace.hpp"

namespace stint::sim {
namespace {

broker::Options core_options(World& world, StoreId store, std::uint64_t epoch) {
  broker::Options options;
  options.store = store;
  options.epoch = epoch;
  options.durable = world.options.durable;
  options.held_job_bytes = world.options.held_bytes;
  options.held_bytes = 2 * world.options.held_bytes;
  options.read_ahead_bytes = world.options.held_bytes / 2;
  options.random = world.random.bits();
  options.heartbeat = world.options.heartbeat;
  options.writer_grace = world.options.writer_grace;
  options.backlog_bytes = world.options.backlog_bytes;
  return options;
}

}  // namespace

SimBroker::SimBroker(World& world, Network& network, Bus& bus, Checker& checker, StoreId store, std::uint64_t epoch,
                     broker::Disk& disk, Told& told, std::function<void()> gone)
    : Process(world, "broker"),
      network_(network),
      bus_(bus),
      checker_(checker),
      told_(told),
      overheard_(world, checker, told),
      gone_(std::move(gone)),
      core_options_(core_options(world, store, epoch)),
      found_(disk),
      disk_(world, disk, [this] { wake(); }),
      core_(core_options_) {
  wake();
}

void SimBroker::arrived(PeerId from, Envelope envelope) {
  inbox_.emplace_back(from, std::move(envelope));
  wake();
}

void SimBroker::subscribed(const std::string& topic, bool on) {
  subscriptions_.emplace_back(topic, on);
  wake();
}

void SimBroker::crash() { end("dies"); }

void SimBroker::end(const std::string& how) {
  world_.say("the broker " + how + ", and what was not durable with it");
  die();
  disk_.die();
  network_.broker_is_gone();
  gone_();
}

void SimBroker::turn() {
  try {
    if (!std::exchange(serves_, true)) recover();
    live();
  } catch (const Killed&) {
    end("dies in the midst of a turn");
  } catch (const broker::StoreError& error) {
    end(std::string("ends with 74: ") + error.what());
  }
}

void SimBroker::recover() {
  world_.say("the broker starts");
  checker_.broker_begins(store());
  if (options().durable) check_recovery(world_, core_options_, found_, told_);
  broker::Found found = found_.found();
  overheard_.found(found);
  core_.restore(now(), std::move(found), out_);
  carry_out();
  network_.broker_starts(*this);
}

void SimBroker::live() {
  constexpr std::size_t kMost = 256;
  if (!inbox_.empty()) had_work();
  while (!subscriptions_.empty()) {
    core_.subscribed(now(), subscriptions_.front().first, subscriptions_.front().second, out_);
    subscriptions_.pop_front();
  }
  for (std::size_t i = 0; i < kMost && !inbox_.empty(); ++i) {
    const auto [from, envelope] = std::move(inbox_.front());
    inbox_.pop_front();
    take_a_step();
    step(from, envelope);
    check();
  }
  if (inbox_.empty()) core_.drained(now());
  core_.tick(now(), out_);
  carry_out();
  check();
}

void SimBroker::take_a_step() {
  if (steps_left_ && (*steps_left_)-- == 0) throw Killed();
}

void SimBroker::step(PeerId from, const Envelope& envelope) {
  overheard_.heard(from, envelope);
  core_.step(now(), from, envelope, out_);
  take_actions();
  overheard_.answered(from, envelope);
}

// In order; what is to be stored is heard of at once, as it says what the message has caused.
void SimBroker::take_actions() {
  for (broker::Action& action : out_.take()) {
    if (const auto* store = std::get_if<broker::Store>(&action)) overheard_.stored(*store);
    actions_.push_back(std::move(action));
  }
}

TimePoint SimBroker::next_deadline() const {
  if (!inbox_.empty()) return now();
  const TimePoint latest = now() + options().heartbeat;
  return std::min(latest, core_.next_deadline().value_or(latest));
}

// The whole ledger after each step costs more than the run, where there is much in it.
void SimBroker::check() {
  if (++turns_ % (options().tasks < 300 ? 8 : 64) == 0) core_.check_invariants();
}

void SimBroker::carry_out() {
  for (bool quiet = false; !quiet;) {
    take_actions();
    for (const broker::Action& action : std::exchange(actions_, {})) {
      take_a_step();
      std::visit([this](const auto& what) { act(what); }, action);
    }
    broker::StoreNews news = disk_.news();
    if (news.committed) {
      take_a_step();
      overheard_.committed(*news.committed);
      core_.committed(*news.committed, out_);
    }
    for (broker::Fetched& fetched : news.fetched) core_.fetched(std::move(fetched), out_);
    if (news.full) core_.store_full(*news.full, out_);
    quiet = out_.empty();
  }
}

void SimBroker::act(const broker::Send& action) {
  overheard_.said(action.to, action.envelope);
  const bool welcomes = std::holds_alternative<Welcome>(action.envelope.message);
  if (Process* peer = network_.owner(action.to); welcomes && peer != nullptr) peer->being_welcomed(action.envelope);
  if (!network_.send_down(action.to, action.envelope)) core_.unreachable(now(), action.to, out_);
}

void SimBroker::act(const broker::Publish& action) {
  overheard_.published(action.event);
  const std::string bytes = encode_event(action.event);
  world_.note(bytes);
  if (world_.is_verbose()) world_.say("* " + described(action.event));
  if (++published_ % 8 != 0) return bus_.publish(action.event);
  auto decoded = decode_event(action.event.topic, bytes);
  const auto* event = std::get_if<Event>(&decoded);
  world_.require(event != nullptr, "an event cannot be decoded");
  bus_.publish(*event);
}

void SimBroker::act(const broker::Log& action) {
  if (world_.is_verbose()) world_.say("  broker: " + action.text);
  overheard_.logged(action.text);
}

}  // namespace stint::sim
