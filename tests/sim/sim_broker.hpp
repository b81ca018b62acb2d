// One start of the broker: the real core in a shell of virtual time, with a store that commits when it likes. It recovers in its first
// turn, and may die in the midst of any, between two of the things that it does.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/broker.hpp"
#include "tests/disk/disk.hpp"
#include "tests/sim/bus.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/overheard.hpp"
#include "tests/sim/sim_store.hpp"
#include "tests/sim/told.hpp"

namespace stint::sim {

class SimBroker final : public Process, public Hub {
 public:
  // `disk` and `told` outlive it: what was committed and what was said by those before it. `gone` is called when it dies.
  SimBroker(World& world, Network& network, Bus& bus, Checker& checker, StoreId store, std::uint64_t epoch, broker::Disk& disk,
            Told& told, std::function<void()> gone);

  void arrived(PeerId from, Envelope envelope) override;
  void subscribed(const std::string& topic, bool on);
  void crash();
  void crash_after(std::uint64_t steps) { steps_left_ = steps; }  // in the midst of a turn: messages taken in, actions carried out
  void fill_disk(Duration duration) { disk_.fill(duration); }     // for so long there is no room for new tasks
  void fail_disk() { disk_.fail_next(); }                         // whatever is asked of it next
  bool nothing_is_held() const { return overheard_.nothing_is_held(); }  // by workers
  StoreId store() const { return core_options_.store; }

 private:
  struct Killed {};  // thrown in the midst of a turn

  void turn() override;
  TimePoint next_deadline() const override;
  void recover();
  void live();
  void take_a_step();
  void end(const std::string& how);
  void step(PeerId from, const Envelope& envelope);
  void take_actions();
  void carry_out();
  void act(const broker::Send& action);
  void act(const broker::Publish& action);
  void act(const broker::Store& action) { disk_.append(action.commit, action.change); }
  void act(const broker::Fetch& action) { disk_.fetch(action.wanted); }
  void act(const broker::Log& action);
  void act(const broker::Finished&) {}
  void check();

  Network& network_;
  Bus& bus_;
  Checker& checker_;
  Told& told_;
  Overheard overheard_;
  std::function<void()> gone_;
  broker::Options core_options_;
  const broker::Disk& found_;
  SimStore disk_;
  broker::Broker core_;
  broker::Outbox out_;
  std::deque<std::pair<PeerId, Envelope>> inbox_;
  std::deque<std::pair<std::string, bool>> subscriptions_;
  std::vector<broker::Action> actions_;  // taken out of the outbox
  std::optional<std::uint64_t> steps_left_;  // until it dies
  bool serves_ = false;
  std::uint64_t turns_ = 0;
  std::uint64_t published_ = 0;
};

}  // namespace stint::sim
