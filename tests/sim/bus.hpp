// The events socket and who watches it: in order for each watcher, and a slow one loses some.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/model/messages.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/world.hpp"

namespace stint::sim {

class Watcher {
 public:
  Watcher(World& world, std::string name, std::vector<std::string> topics)
      : record(world, std::move(name)), prefixes(std::move(topics)) {}

  bool wants(const std::string& topic) const;

  WatcherRecord record;
  std::vector<std::string> prefixes;
  TimePoint last{};
  bool watching = true;
};

class Bus {
 public:
  using Subscribe = std::function<void(const std::string& prefix, bool on)>;

  explicit Bus(World& world) : world_(world) {}
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  void broker_starts(Subscribe subscribe);  // all who watch subscribe again
  void broker_is_gone() { subscribe_ = nullptr; }
  void publish(const Event& event);

  void check_ended(StoreId store, JobId job) const;

  void join(std::vector<std::string> prefixes);
  void change_one();  // one leaves, or asks again

 private:
  void subscribe(const std::string& prefix);
  void leave(Watcher& watcher);

  World& world_;
  Subscribe subscribe_;
  std::vector<std::shared_ptr<Watcher>> watchers_;
  unsigned names_ = 0;
};

}  // namespace stint::sim
