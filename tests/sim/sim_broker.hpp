// One start of the broker: the real core in a shell of virtual time, with a store that commits when it likes.
#pragma once

#include <deque>
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

namespace stint::sim {

class SimBroker final : public Process, public Hub {
 public:
  // `disk` outlives it, and holds what was committed by those before it.
  SimBroker(World& world, Network& network, Bus& bus, Checker& checker, StoreId store, std::uint64_t epoch, broker::Disk& disk);

  void arrived(PeerId from, Envelope envelope) override;
  void subscribed(const std::string& topic, bool on);
  void crash();
  void fill_disk(Duration duration);  // for so long there is no room for new tasks
  StoreId store() const { return store_; }

 private:
  void turn() override;
  TimePoint next_deadline() const override;
  void step(PeerId from, const Envelope& envelope);
  void take_actions();
  void carry_out();
  void act(const broker::Send& action);
  void act(const broker::Publish& action);
  void act(const broker::Store& action);
  void act(const broker::Fetch& action);
  void act(const broker::Log& action);
  void act(const broker::Finished&) {}
  void commit_later();
  void make_durable(broker::CommitId upto);
  void check();

  Network& network_;
  Bus& bus_;
  Overheard overheard_;
  StoreId store_;
  broker::Disk& disk_;
  broker::Broker core_;
  broker::Outbox out_;
  std::deque<std::pair<PeerId, Envelope>> inbox_;
  std::deque<std::pair<std::string, bool>> subscriptions_;
  std::vector<broker::Action> actions_;  // taken out of the outbox
  std::deque<broker::Store> pending_;  // not yet durable
  std::deque<broker::Fetched> fetched_;
  std::optional<std::string> disk_news_;
  broker::CommitId appended_{};
  broker::CommitId durable_{};
  broker::CommitId committed_{};
  bool committing_ = false;
  std::uint64_t turns_ = 0;
  std::uint64_t published_ = 0;
};

}  // namespace stint::sim
