#include "tests/sim/options.hpp"

#include <algorithm>
#include <iomanip>
#include <limits>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "common/model/limits.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/situations.hpp"

namespace stint::sim {
namespace {

constexpr double kSituations = 0.2;  // share of the runs in which one situation is made frequent

// Calls `field` with the name and a reference to each option.
template <class Self, class Field>
void each(Self& options, Field field) {
  field("workers", options.workers);
  field("slots", options.slots);
  field("kinds", options.kinds);
  field("clients", options.clients);
  field("jobs", options.jobs);
  field("watchers", options.watchers);
  field("plans", options.plans);
  field("tasks", options.tasks);
  field("long_jobs", options.long_jobs);
  field("small_readers", options.small_readers);
  field("payload", options.payload);
  field("result", options.result);
  field("task_time", options.task_time);
  field("worker_pace", options.worker_pace);
  field("heartbeat", options.heartbeat);
  field("writer_grace", options.writer_grace);
  field("commit_delay", options.commit_delay);
  field("commits_in_bursts", options.commits_in_bursts);
  field("durable", options.durable);
  field("fetch_delay", options.fetch_delay);
  field("held_bytes", options.held_bytes);
  field("backlog_bytes", options.backlog_bytes);
  field("latency", options.latency);
  field("lost", options.lost);
  field("doubled", options.doubled);
  field("late", options.late);
  field("events_lost", options.events_lost);
  field("fault_time", options.fault_time);
  field("cut", options.cut);
  field("worker_crash", options.worker_crash);
  field("worker_stall", options.worker_stall);
  field("worker_drain", options.worker_drain);
  field("worker_change", options.worker_change);
  field("client_crash", options.client_crash);
  field("client_stall", options.client_stall);
  field("client_leave", options.client_leave);
  field("reader_stop", options.reader_stop);
  field("broker_crash", options.broker_crash);
  field("disk_error", options.disk_error);
  field("disk_full", options.disk_full);
  field("broker_stall", options.broker_stall);
  field("sleep", options.sleep);
  field("watcher_change", options.watcher_change);
  field("command", options.command);
  field("cancel", options.cancel);
  field("drain", options.drain);
  field("theft", options.theft);
  field("crash_midway", options.crash_midway);
  field("crash_recovering", options.crash_recovering);
  field("last_write_kept", options.last_write_kept);
  field("slow", options.slow);
  field("flaky", options.flaky);
  field("failing", options.failing);
  field("rejected", options.rejected);
  field("hanging", options.hanging);
  field("stubborn", options.stubborn);
  field("killers", options.killers);
  field("eager", options.eager);
}

void write(std::ostream& text, Duration value) {
  text << static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(value).count()) / 1000.0 << "ms";
}
template <class T>
void write(std::ostream& text, const T& value) {
  text << value;
}

double in_numbers(Duration value) {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(value).count()) / 1000.0;
}
template <class T>
double in_numbers(const T& value) {
  return static_cast<double>(value);
}

double usual_number(const Options& usual, std::string_view name) {
  double number = 0;
  each(usual, [&](const char* other, const auto& value) {
    if (other == name) number = in_numbers(value);
  });
  return number;
}

class Swarm {
 public:
  Swarm(Random& random, double share, Duration longest = Duration::max())
      : random_(random), share_(share), longest_(longest) {}

  void rarely(double& share, double most) {
    if (random_.chance(share_)) share = most / static_cast<double>(std::uint64_t{1} << random_.below(8));
  }
  void rarely(Duration& every, Duration least, Duration most) {
    if (random_.chance(share_)) every = std::min(random_.duration(least, most), longest_);
  }
  bool happens() { return random_.chance(share_); }

 private:
  Random& random_;
  double share_;
  Duration longest_;  // what comes more rarely than this does not come at all
};

void draw_parties(Options& options, Random& random) {
  options.workers = static_cast<unsigned>(random.between(1, random.chance(0.2) ? 10 : 4));
  options.slots = static_cast<unsigned>(random.between(1, random.chance(0.2) ? 16 : 4));
  options.kinds = static_cast<unsigned>(random.chance(0.5) ? 1 : random.between(2, 3));
  options.clients = static_cast<unsigned>(random.between(1, 4));
  options.jobs = static_cast<unsigned>(random.between(1, random.chance(0.2) ? 12 : 4));
  options.watchers = static_cast<unsigned>(random.between(0, 3));
  options.tasks = random.magnitude(1, 2000);
  options.payload = random.chance(0.05) ? 100'000 : 200;
  options.result = random.chance(0.05) ? 100'000 : 200;
  options.task_time = random.pick<Duration>({100us, 2ms, 2ms, 20ms, 20ms, 200ms, 1s});
  if (random.chance(0.3)) options.worker_pace = random.duration(100us, 10ms);
  if (options.task_time > 20ms) options.tasks = std::min<std::uint64_t>(options.tasks, 100);
  if (random.chance(0.005)) {  // giants: a few fill any window
    options.payload = options.result = limits::kMaxPayloadBytes;
    options.tasks = random.between(1, 16);
    options.slots = 16;
    options.plans = 4;
  }
}

void draw_broker(Options& options, Random& random) {
  options.heartbeat = random.chance(0.2) ? Duration(2s) : random.duration(50ms, 500ms);
  options.writer_grace = std::chrono::milliseconds(random.magnitude(100, 20'000));
  if (random.chance(0.5)) options.commit_delay = random.duration(100us, random.chance(0.3) ? 1s : 20ms);
  options.commits_in_bursts = random.chance(0.5);
  if (random.chance(0.1)) options.backlog_bytes = random.between(1000, 100'000);
  options.durable = random.chance(0.5);
  if (options.durable && random.chance(0.7)) options.fetch_delay = random.duration(10us, random.chance(0.2) ? 500ms : 5ms);
  if (options.durable && random.chance(0.7)) options.held_bytes = random.magnitude(100, 100'000);
  options.latency = std::min(random.chance(0.1) ? Duration(100ms) : random.duration(50us, 5ms), options.heartbeat / 5);
}

void draw_faults(Options& options, Random& random) {
  options.fault_time = random.chance(0.15) ? random.duration(2s, 30s) : random.duration(300ms, 5s);
  Swarm swarm(random, random.pick<double>({0, 0.1, 0.1, 0.25, 0.25, 0.5}), options.fault_time);
  swarm.rarely(options.lost, 0.05);
  swarm.rarely(options.doubled, 0.2);
  swarm.rarely(options.late, 0.05);
  swarm.rarely(options.events_lost, 0.3);
  swarm.rarely(options.cut, 200ms, 10s);
  swarm.rarely(options.worker_crash, 500ms, 20s);
  swarm.rarely(options.worker_stall, 500ms, 20s);
  swarm.rarely(options.worker_drain, 1s, 20s);
  swarm.rarely(options.worker_change, 500ms, 20s);
  swarm.rarely(options.client_crash, 500ms, 20s);
  swarm.rarely(options.client_stall, 500ms, 20s);
  swarm.rarely(options.client_leave, 500ms, 20s);
  swarm.rarely(options.reader_stop, 500ms, 20s);
  swarm.rarely(options.broker_crash, 200ms, 10s);
  if (options.durable) swarm.rarely(options.disk_full, 500ms, 10s);
  if (options.durable && swarm.happens()) swarm.rarely(options.disk_error, 500ms, 20s);
  if (random.chance(0.7)) options.crash_midway = random.pick<double>({0.5, 1});
  if (random.chance(0.5)) options.crash_recovering = random.pick<double>({0.2, 0.5});
  if (random.chance(0.7)) options.last_write_kept = random.pick<double>({0.5, 1});
  swarm.rarely(options.broker_stall, 1s, 20s);
  swarm.rarely(options.watcher_change, 200ms, 10s);
  swarm.rarely(options.command, 50ms, 5s);
  swarm.rarely(options.cancel, 1s, 20s);
  swarm.rarely(options.drain, 500ms, 20s);
  swarm.rarely(options.theft, 500ms, 10s);
  swarm.rarely(options.sleep, 500ms, 10s);
}

void draw_tasks(Options& options, Random& random) {
  Swarm swarm(random, random.pick<double>({0, 0.2, 0.4}));
  swarm.rarely(options.slow, 1);
  swarm.rarely(options.flaky, 0.5);
  swarm.rarely(options.failing, 0.2);
  swarm.rarely(options.rejected, 0.2);
  swarm.rarely(options.hanging, 0.02);
  swarm.rarely(options.stubborn, 0.01);
  if (swarm.happens()) options.killers = static_cast<unsigned>(random.between(1, 3));
}

}  // namespace

Options Options::drawn_from(std::uint64_t seed) {
  Random random(scrambled(seed));
  Options options;
  options.seed = seed;
  draw_parties(options, random);
  draw_broker(options, random);
  draw_faults(options, random);
  draw_tasks(options, random);
  if (random.chance(kSituations)) draw_situation(options, random);
  return options;
}

bool Options::workers_are_heard() const {
  return lost == 0 && late == 0 && cut == Duration{} && worker_stall == Duration{} && !broker_ends();
}

bool Options::innocent_workers() const {
  return undisturbed() || (workers_are_heard() && worker_crash == Duration{} && stubborn == 0);
}

bool Options::innocent_clients() const {
  return lost == 0 && late == 0 && cut == Duration{} && client_stall == Duration{} && broker_stall == Duration{} &&
         !broker_ends();
}

bool Options::undisturbed() const {
  return workers_are_heard() && worker_crash == Duration{} && stubborn == 0 && killers == 0 && worker_drain == Duration{} &&
         worker_change == Duration{} && drain == Duration{};
}

std::string Options::distribution(std::uint64_t first, std::uint64_t last) {
  struct Drawn {
    std::uint64_t times = 0;  // other than usual
    double least = std::numeric_limits<double>::max();
    double most = 0;
    double sum = 0;
  };
  std::vector<std::pair<std::string, Drawn>> all;
  const Options usual;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const Options options = drawn_from(seed);
    std::size_t place = 0;
    each(options, [&](const char* name, const auto& value) {
      if (place == all.size()) all.emplace_back(name, Drawn{});
      const double number = in_numbers(value);
      Drawn& drawn = all[place++].second;
      if (number == usual_number(usual, name)) return;
      ++drawn.times;
      drawn.least = std::min(drawn.least, number);
      drawn.most = std::max(drawn.most, number);
      drawn.sum += number;
    });
  }
  std::ostringstream text;
  text << "option, seeds that draw other than usual, least, mean, most of them (times in ms)\n";
  for (const auto& [name, drawn] : all) {
    text << std::left << std::setw(18) << name << std::right << std::fixed << std::setprecision(2) << std::setw(7)
         << 100.0 * static_cast<double>(drawn.times) / static_cast<double>(last - first + 1) << " %"
         << std::defaultfloat << std::setprecision(4);
    if (drawn.times > 0)
      text << std::setw(12) << drawn.least << std::setw(12) << drawn.sum / static_cast<double>(drawn.times)
           << std::setw(12) << drawn.most;
    text << '\n';
  }
  return text.str();
}

std::string Options::text() const {
  std::ostringstream text;
  const Options usual;
  text << "seed " << seed << ":";
  each(*this, [&](const char* name, const auto& value) {
    bool drawn = false;
    each(usual, [&](const char* other, const auto& plain) {
      if constexpr (std::is_same_v<decltype(plain), decltype(value)>)
        drawn = drawn || (other == std::string_view(name) && !(plain == value));
    });
    if (!drawn) return;
    text << ' ' << name << '=';
    write(text, value);
  });
  return text.str();
}

}  // namespace stint::sim
