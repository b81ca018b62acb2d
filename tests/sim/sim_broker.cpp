#include "tests/sim/sim_broker.hpp"

#include <algorithm>

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
                     broker::Disk& disk)
    : Process(world, "broker"),
      network_(network),
      bus_(bus),
      overheard_(world, checker),
      store_(store),
      disk_(disk),
      core_(core_options(world, store, epoch)) {
  world_.say("the broker starts");
  checker.broker_begins(store);
  broker::Found found = disk.found();
  overheard_.found(found);
  core_.restore(now(), std::move(found), out_);
  network_.broker_starts(*this);
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

void SimBroker::crash() {
  world_.say("the broker dies, and what was not durable with it");
  die();
  network_.broker_is_gone();
}

void SimBroker::turn() {
  constexpr std::size_t kMost = 256;
  while (!subscriptions_.empty()) {
    core_.subscribed(now(), subscriptions_.front().first, subscriptions_.front().second, out_);
    subscriptions_.pop_front();
  }
  for (std::size_t i = 0; i < kMost && !inbox_.empty(); ++i) {
    const auto [from, envelope] = std::move(inbox_.front());
    inbox_.pop_front();
    step(from, envelope);
    check();
  }
  if (inbox_.empty()) core_.drained(now());
  core_.tick(now(), out_);
  carry_out();
  check();
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
      std::visit([this](const auto& what) { act(what); }, action);
    }
    if (durable_ != committed_) {
      overheard_.committed(durable_);
      core_.committed(committed_ = durable_, out_);
    }
    for (broker::Fetched& fetched : std::exchange(fetched_, {})) core_.fetched(std::move(fetched), out_);
    if (disk_news_) core_.store_full(*std::exchange(disk_news_, std::nullopt), out_);
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
  const std::string bytes = encode_event(action.event);
  world_.note(bytes);
  if (world_.is_verbose()) world_.say("* " + described(action.event));
  if (++published_ % 8 != 0) return bus_.publish(action.event);
  auto decoded = decode_event(action.event.topic, bytes);
  const auto* event = std::get_if<Event>(&decoded);
  world_.require(event != nullptr, "an event cannot be decoded");
  bus_.publish(*event);
}

void SimBroker::act(const broker::Store& action) {
  appended_ = action.commit;
  pending_.push_back(action);
  if (options().commit_delay == Duration{}) {
    make_durable(appended_);
  } else if (!std::exchange(committing_, true)) {
    commit_later();
  }
}

// What was appended when the commit began is durable at its end.
void SimBroker::commit_later() {
  Duration delay = random().duration(20us, options().commit_delay);
  if (options().commits_in_bursts && random().chance(0.05)) delay *= 10;
  world_.in(delay, [this, upto = appended_] {
    if (!alive()) return;
    make_durable(upto);
    committing_ = durable_ != appended_;
    if (committing_) commit_later();
    wake();
  });
}

void SimBroker::make_durable(broker::CommitId upto) {
  durable_ = upto;
  for (; !pending_.empty() && pending_.front().commit <= upto; pending_.pop_front()) disk_.apply(pending_.front().change);
}

// Served when its time comes, from what is durable then; until the answer is here, more may have become so.
void SimBroker::act(const broker::Fetch& action) {
  world_.require(options().durable, "something is wanted back from a store that keeps nothing");
  const Duration most = options().fetch_delay / 2;
  world_.in(random().duration(Duration{}, most), [this, most, wanted = action.wanted] {
    if (!alive()) return;
    world_.in(random().duration(Duration{}, most), [this, fetched = disk_.fetch(wanted)] {
      if (!alive()) return;
      fetched_.push_back(fetched);
      if (world_.is_verbose()) world_.say("  " + described(fetched_.back()));
      wake();
    });
  });
}

void SimBroker::fill_disk(Duration duration) {
  disk_news_ = "the disk is full: make room";
  wake();
  world_.in(duration, [this] {
    if (!alive()) return;
    disk_news_ = "";
    wake();
  });
}

void SimBroker::act(const broker::Log& action) {
  if (world_.is_verbose()) world_.say("  broker: " + action.text);
  overheard_.logged(action.text);
}

}  // namespace stint::sim
