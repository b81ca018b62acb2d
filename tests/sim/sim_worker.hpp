// One start of a worker: the real session, and an executor whose slots run tasks in virtual time.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/checker.hpp"
#include "tests/sim/network.hpp"
#include "worker/core/session.hpp"

namespace stint::sim {

class SimWorker final : public Process {
 public:
  SimWorker(World& world, Network& network, Checker& checker, std::string name, std::vector<std::string> kinds,
            unsigned slots);

  void crash();
  void drain();
  void offer(std::vector<std::string> kinds, unsigned slots);
  void offer(std::vector<std::string> kinds) { offer(std::move(kinds), static_cast<unsigned>(slots_.size())); }
  void being_welcomed(const Envelope& welcome) override;

 private:
  struct Task {
    worker::Ticket ticket{};
    std::shared_ptr<const JobInfo> job;
    Index index = 0;
    Attempt attempt = 1;
    std::uint64_t epoch = 0;  // of the broker that has handed it out
    Blob payload;
  };
  struct Slot {
    unsigned number = 0;
    std::optional<Task> task;
    TimePoint since{};
    TimePoint ends = TimePoint::max();
    bool recalled = false;
    std::optional<TimePoint> told;  // that it is over time
  };

  void turn() override;
  TimePoint next_deadline() const override;
  void receive();
  void check_suspects(const worker::RunTasks& tasks);

  void start_tasks();
  void start(Slot& slot, Task task, TimePoint since);
  bool start_next(Slot& slot, TimePoint since);
  bool harvest();  // false: the worker has died of it
  void finish(Slot& slot);
  void report();
  Duration effort(const Task& task);
  void ask_to_stop(Slot& slot);
  JobRecord* record(const Task& task);  // null: nobody keeps one

  void perform();
  void act(const worker::Connect&) { link_.connect(); }
  void act(const worker::Send& action);
  void act(const worker::RunTasks& action);
  void act(const worker::StopTasks& action);
  void act(const worker::StopOvertime& action);
  void act(const worker::WriteOff& action);
  void act(const worker::HoldBack& action) { held_back_ = action.on; }
  void act(const worker::Obey&) {}
  void act(const worker::Say& action);
  void act(const worker::Leave& action);
  void end();

  Checker& checker_;
  Link link_;
  std::shared_ptr<WorkerRecord> self_;
  std::vector<std::string> kinds_;
  worker::Session session_;
  worker::Outbox out_;
  std::vector<Slot> slots_;
  std::vector<Slot> retired_;  // taken out of service while their task runs
  unsigned last_slot_ = 0;
  std::deque<Task> queue_;
  bool held_back_ = false;
  TimePoint last_end_{};  // of a task, by itself
  StoreId store_{};                            // of the broker that has welcomed it last ...
  std::uint64_t epoch_ = 0;                    // ... and its start
  std::map<SessionId, unsigned> losses_then_;  // when it was welcomed to that session
  std::map<worker::Ticket, StoreId> origin_;
  std::map<worker::Ticket, Suspicion> suspicion_;
  Suspicion arriving_ = Suspicion::none;  // of the TASKS that are being read
  std::map<worker::Ticket, OutcomesBuilder> ended_;
  std::map<worker::Ticket, std::vector<Run>> stopped_;
};

}  // namespace stint::sim
