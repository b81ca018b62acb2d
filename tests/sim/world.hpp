// Virtual time and everything that is due in it. One thread: what happens at one instant happens in the order in which
// it was asked for, so that a run is a function of its seed.
//
//   World world(options);
//   world.in(5ms, [&] { line.deliver(message); });
//   world.run_until(deadline, [&] { return all_jobs_are_done(); });
//
// A Process is one start of a program: it takes turns, when it is woken and when its deadline comes; it may be stalled,
// and it may die. A dead one is never deleted before the world is, so that what is still due for it finds it dead.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <queue>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/messages.hpp"
#include "tests/sim/options.hpp"
#include "tests/sim/random.hpp"

namespace stint::sim {

// A promise is broken: the run ends here.
class Failure : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class World {
 public:
  explicit World(const Options& chosen, bool verbose) : options(chosen), random(chosen.seed), verbose_(verbose) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  const Options options;
  Random random;

  TimePoint now() const { return now_; }
  bool faults_over() const { return now_ - kBeginning >= options.fault_time; }

  void in(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
  void at(TimePoint when, std::function<void()> what);

  // False: the deadline came first. Whether it is over is asked now and then only: it costs more than most steps.
  bool run_until(TimePoint deadline, const std::function<bool()>& is_over);

  // What everybody saw of everybody, as one number.
  void note(std::string_view bytes);
  std::uint64_t traffic() const { return traffic_; }

  bool is_verbose() const { return verbose_; }
  void say(const std::string& line) const;
  [[noreturn]] void fail(const std::string& text) const;
  void require(bool holds, const std::string& text) const {
    if (!holds) fail(text);
  }

  void delivered();                                     // a message
  std::uint64_t messages() const { return messages_; }  // delivered

  static constexpr TimePoint kBeginning = TimePoint(1000s);

 private:
  struct Due {
    TimePoint when;
    std::uint64_t order;
    std::size_t place;  // in what_
    friend bool operator>(const Due& a, const Due& b) { return a.when != b.when ? a.when > b.when : a.order > b.order; }
  };

  TimePoint now_ = kBeginning;
  std::uint64_t last_order_ = 0;
  std::vector<Due> due_;  // a heap
  std::vector<std::function<void()>> what_;
  std::vector<std::size_t> free_places_;
  std::uint64_t traffic_ = 0;
  std::uint64_t messages_ = 0;
  bool verbose_;
};

class Process {
 public:
  // Between two of its turns lies some time, in which more gathers.
  Process(World& world, std::string name, Duration pace = {}) : world_(world), name_(std::move(name)), pace_(pace) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  virtual ~Process() = default;

  const std::string& name() const { return name_; }
  bool alive() const { return alive_; }
  virtual void being_welcomed(const Envelope&) {}  // by a WELCOME that is now on its way
  void wake() { wake_at(world_.now()); }
  void stall(Duration duration);
  bool is_stalled() const { return world_.now() < stalled_until_; }

 protected:
  virtual void turn() = 0;
  virtual TimePoint next_deadline() const = 0;

  void die() { alive_ = false; }
  void had_work() { --turns_; }  // this turn was no vain one
  void wake_at(TimePoint when);
  TimePoint now() const { return world_.now(); }
  Random& random() { return world_.random; }
  const Options& options() const { return world_.options; }

  World& world_;

 private:
  void take_turn();
  void notice_spinning();

  std::string name_;
  Duration pace_;
  bool alive_ = true;
  TimePoint stalled_until_{};
  TimePoint next_turn_{};
  TimePoint wake_at_ = TimePoint::max();
  std::uint64_t generation_ = 0;
  TimePoint spinning_since_{};
  int turns_ = 0;  // with nothing to do
};

}  // namespace stint::sim
