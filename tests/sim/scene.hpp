// A whole run: the parties, what befalls them, and its end.
//
//   Scene scene(Options::drawn_from(seed), verbose);
//   scene.play();                       // throws Failure
//   scene.summary();
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/bus.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/sim_broker.hpp"
#include "tests/sim/sim_client.hpp"
#include "tests/sim/sim_worker.hpp"

namespace stint::sim {

class Scene {
 public:
  Scene(const Options& options, bool verbose);
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  void play();
  std::uint64_t traffic() const { return world_.traffic(); }
  std::uint64_t messages() const { return world_.messages(); }
  std::string summary() const;

 private:
  std::shared_ptr<Desire> draw_desire(std::size_t client);
  std::shared_ptr<Desire> desire_of_letters(std::size_t client, const Desire& parent, JobId id,
                                            std::vector<Index> letters);
  void check_watchers();
  void draw_plan(unsigned number);
  void begin();
  void begin_faults();
  void end_faults();
  bool is_over() const;
  std::string unfinished() const;

  // Does it now and then, until the faults are over.
  void now_and_then(Duration every, std::function<void()> what);

  void start_broker();
  void crash_broker();
  void broker_is_gone();
  void start_worker(std::size_t place);
  void start_client(std::size_t place);
  void look_after_workers();
  void look_after_clients();
  void stall(Process& process);
  void suspend_all();
  void suspend(Process& process);
  void steer();
  void cancel();
  void drain();
  std::vector<std::string> some_kinds();
  SimClient& some_client() { return *clients_[world_.random.below(options().clients)]; }
  SimWorker& some_worker() { return *workers_[world_.random.below(options().workers)]; }
  Plan& some_plan();
  const Options& options() const { return world_.options; }

  World world_;
  Network network_;
  Bus bus_;
  std::vector<std::unique_ptr<Plan>> plans_;
  Checker checker_;
  std::vector<std::shared_ptr<Desire>> desires_;
  std::vector<std::size_t> owners_;  // of the desires: a client
  std::vector<std::unique_ptr<Process>> graveyard_;
  StoreId store_{};
  std::uint64_t epoch_ = 0;
  broker::Disk disk_;
  Told told_;
  std::unique_ptr<SimBroker> broker_;
  std::vector<std::unique_ptr<SimWorker>> workers_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  unsigned worker_starts_ = 0;
  TimePoint slept_until_{};
  bool finale_ = false;
};

}  // namespace stint::sim
