#include "tests/sim/situations.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/model/limits.hpp"

namespace stint::sim {
namespace {

// The parties and the broker of `drawn`, in a world where nothing goes wrong.
Options undisturbed(const Options& drawn) {
  Options options;
  options.seed = drawn.seed;
  options.workers = drawn.workers;
  options.slots = drawn.slots;
  options.kinds = drawn.kinds;
  options.clients = drawn.clients;
  options.jobs = drawn.jobs;
  options.watchers = drawn.watchers;
  options.tasks = std::min<std::uint64_t>(drawn.tasks, 200);
  options.task_time = drawn.task_time;
  options.worker_pace = drawn.worker_pace;
  options.heartbeat = drawn.heartbeat;
  options.commit_delay = drawn.commit_delay;
  options.commits_in_bursts = drawn.commits_in_bursts;
  options.durable = drawn.durable;
  options.latency = drawn.latency;
  options.fault_time = drawn.fault_time;
  options.crash_midway = drawn.crash_midway;
  options.last_write_kept = drawn.last_write_kept;
  return options;
}

void set_heartbeat(Options& options, Duration heartbeat) {
  options.heartbeat = heartbeat;
  options.latency = std::min(options.latency, heartbeat / 5);
}

// Workers are taken for lost, and come back with what they have; some of it has failed, and is tried again meanwhile.
void workers_return(Options& options, Random& random) {
  set_heartbeat(options, random.duration(30ms, 100ms));
  options.workers = static_cast<unsigned>(random.between(1, 3));
  options.task_time = random.pick<Duration>({2ms, 20ms, 200ms});
  options.tasks = std::min<std::uint64_t>(options.tasks, 50);
  options.cut = random.duration(50ms, 500ms);
  options.worker_stall = random.duration(50ms, 500ms);
  options.late = random.pick<double>({0, 0.02});
  options.slow = random.pick<double>({0, 0.5});
  options.flaky = random.pick<double>({0.2, 0.5});
  options.eager = 0.5;
}

// The broker dies again and again while tasks that have failed are under way once more at the worker that may not have heard that its
// answer counts.
void broker_dies_among_retries(Options& options, Random& random) {
  set_heartbeat(options, random.duration(50ms, 200ms));
  options.durable = true;
  options.commit_delay = random.pick<Duration>({Duration{}, 1ms, 20ms});
  options.workers = static_cast<unsigned>(random.between(1, 2));
  options.task_time = random.pick<Duration>({2ms, 20ms, 200ms});
  options.tasks = std::min<std::uint64_t>(options.tasks, 50);
  options.broker_crash = random.duration(100ms, 1s);
  options.flaky = random.pick<double>({0.5, 0.9});
  options.eager = 1;
}

// Workers die with tasks of one job while long jobs of quick tasks keep the others busy.
void suspects_among_quick_tasks(Options& options, Random& random) {
  set_heartbeat(options, random.duration(50ms, 200ms));
  options.durable = false;
  options.commit_delay = {};
  options.workers = static_cast<unsigned>(random.between(2, 3));
  options.slots = static_cast<unsigned>(random.between(1, 3));
  options.kinds = 1;
  options.jobs = static_cast<unsigned>(random.between(2, 4));
  options.plans = 6;
  options.tasks = 2000;
  options.long_jobs = 0.5;
  options.task_time = random.pick<Duration>({1ms, 2ms, 5ms});
  options.worker_crash = random.duration(200ms, 2s);
  options.killers = static_cast<unsigned>(random.below(3));
  options.slow = random.pick<double>({0, 0.5});
}

// Results come faster than they are stored, until a worker has no room for more; or it has no room for more payloads.
void workers_are_full(Options& options, Random& random) {
  options.tasks = random.between(16, 48);
  options.plans = 4;
  options.jobs = std::min(options.jobs, 2U);
  options.workers = static_cast<unsigned>(random.between(1, 2));
  options.slots = 16;
  options.task_time = random.pick<Duration>({2ms, 20ms});
  options.result = random.between(limits::kMaxPayloadBytes / 4, limits::kMaxPayloadBytes);
  options.commit_delay = random.duration(100ms, 1s);
  options.long_jobs = 0.5;
  if (random.chance(0.5)) options.cut = random.duration(200ms, 2s);
  if (random.chance(0.5)) {
    std::swap(options.payload, options.result);
    options.flaky = 0.5;
  }
}

// The backlog is full of what nobody takes, and of what is soon gone.
void backlog_is_full(Options& options, Random& random) {
  set_heartbeat(options, random.duration(50ms, 200ms));
  options.workers = static_cast<unsigned>(random.between(1, 2));
  options.kinds = static_cast<unsigned>(random.between(2, 3));
  options.jobs = static_cast<unsigned>(random.between(3, 8));
  options.clients = options.jobs;
  options.plans = 12;
  options.watchers = 3;
  options.payload = 20'000;
  options.tasks = 200;
  options.long_jobs = 0.5;
  options.task_time = random.pick<Duration>({2ms, 20ms});
  options.backlog_bytes = random.between(300'000, 2'000'000);
  options.fault_time = random.duration(2s, 10s);
  if (random.chance(0.5)) options.command = random.duration(50ms, 1s);
  if (random.chance(0.3)) options.cancel = random.duration(500ms, 2s);
}

// Readers who know nothing of those before them, at a broker that has died since; and writers who come when its disk is full.
void clients_change(Options& options, Random& random) {
  options.durable = true;
  options.heartbeat = std::min<Duration>(options.heartbeat, 500ms);
  set_heartbeat(options, options.heartbeat);
  options.small_readers = 0.7;
  options.broker_crash = random.duration(300ms, 3s);
  options.client_crash = random.duration(300ms, 3s);
  if (random.chance(0.5)) options.theft = random.duration(100ms, 1s);
  if (random.chance(0.5)) options.client_leave = random.duration(300ms, 3s);
  if (random.chance(0.5)) options.disk_full = random.duration(100ms, 500ms);
}

}  // namespace

void draw_situation(Options& options, Random& random) {
  options = undisturbed(options);
  using Draw = void (*)(Options&, Random&);
  const std::vector<Draw> quick{workers_return, broker_dies_among_retries, clients_change};
  const std::vector<Draw> dear{suspects_among_quick_tasks, workers_are_full, backlog_is_full};  // a run takes ten times as long
  random.pick(random.chance(0.6) ? quick : dear)(options, random);
}

}  // namespace stint::sim
