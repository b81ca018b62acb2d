// The scenarios of much that waits: long queues, many idle workers, and the end of a job of unequal tasks.
#include <algorithm>
#include <cmath>
#include <random>
#include <sstream>

#include "common/net/clock.hpp"
#include "common/net/wait.hpp"
#include "tools/bench/bench.hpp"

namespace stint::bench {
namespace {

// --- the tail ---

constexpr std::size_t kTailSlots = 8;

struct Told {
  std::string worker;
  double start = 0;  // seconds
  double end = 0;
};

std::vector<std::int64_t> unequal_tasks() {
  std::mt19937 random(7);  // the same tasks in every run
  std::uniform_real_distribution<double> exponent(3.0, 6.0);
  std::vector<std::int64_t> micros;
  std::int64_t sum = 0;
  while (sum < 32'000'000) {
    micros.push_back(static_cast<std::int64_t>(std::pow(10.0, exponent(random))));
    sum += micros.back();
  }
  return micros;
}

// How long list scheduling takes: each task in its order to the slot that is free first.
double list_schedule(const std::vector<std::int64_t>& micros) {
  std::vector<double> free_at(kTailSlots, 0.0);
  for (const std::int64_t task : micros) *std::min_element(free_at.begin(), free_at.end()) += static_cast<double>(task) / 1e6;
  return *std::max_element(free_at.begin(), free_at.end());
}

std::vector<Told> read_told(const nlohmann::ordered_json& lines) {
  std::vector<Told> all;
  for (const auto& line : lines) {
    std::istringstream words(line.get<std::string>());
    Told told;
    words >> told.worker >> told.start >> told.end;
    told.start /= 1e9;
    told.end /= 1e9;
    all.push_back(told);
  }
  return all;
}

// The longest time for which a worker had a slot free while a task waited that another worker began later.
double longest_wait(const std::vector<Told>& all) {
  double longest = 0;
  for (const Told& ended : all) {
    double next = 1e300;
    for (const Told& other : all) {
      if (other.worker == ended.worker && other.start >= ended.end) next = std::min(next, other.start);
    }
    for (const Told& other : all) {
      if (other.worker != ended.worker && other.start > ended.end) longest = std::max(longest, std::min(other.start, next) - ended.end);
    }
  }
  return longest;
}

}  // namespace

void run_tail(const Settings& settings, Report& report) {
  const std::vector<std::int64_t> micros = unequal_tasks();
  std::string order = "tail";
  for (const std::int64_t task : micros) order += " " + std::to_string(task);
  std::vector<double> ratios, waits;
  for (std::int64_t i = 0; i < std::min<std::int64_t>(settings.rounds, 3); ++i) {
    Farm farm(settings, 0, 1);
    farm.add_worker(kTailSlots / 2, 2);
    const auto answer = farm.client().ask(order);
    ratios.push_back(answer.at("seconds").get<double>() / list_schedule(micros));
    waits.push_back(longest_wait(read_told(answer.at("told"))) * 1000);
  }
  report.add({{"scenario", std::string("tail")},
              {"system", std::to_string(micros.size()) + " tasks of 1 ms to 1 s on 2 workers of 4 slots"},
              {"vs_list_scheduling", rounded(median(ratios), 3)},
              {"longest_wait_ms", rounded(*std::max_element(waits.begin(), waits.end()), 1)}});
}

// --- long queues ---

// Each queue is filled at least twice: what memory that was never used before costs, the kernel's zeroing, is told apart.
void run_backlog(const Settings& settings, Report& report) {
  constexpr std::int64_t kSeen = 1'000'000;  // so many tasks are seen by the clock of /proc
  double first_fill = 0;
  double first_run = 0;
  for (std::int64_t tasks = 10'000; tasks <= settings.tasks; tasks *= 10) {
    std::vector<double> fresh_fills, fills, runs, bytes, rates, peaks;
    // The cost of few tasks is too small for the clock of /proc, so it is added up.
    const std::int64_t repeats = std::clamp<std::int64_t>(2'000'000 / tasks, 2, 100);
    const std::int64_t rounds = tasks >= 10'000'000 ? 1 : std::min<std::int64_t>(settings.rounds, 3);
    for (std::int64_t i = 0; i < rounds; ++i) {
      Farm farm(settings, settings.workers, 1);
      if (farm.broker() == nullptr) return;
      double fill = 0, run = 0, done = 0, seconds = 0, memory = 0;
      for (std::int64_t k = 0; k < repeats; ++k) {
        const std::uint64_t empty = farm.broker()->resident();
        const double before = farm.broker()->cpu_us();
        farm.client().ask("fill " + std::to_string(tasks) + " " + std::to_string(settings.bytes));
        const double filled = farm.broker()->cpu_us();
        if (k == 0) memory = static_cast<double>(farm.broker()->resident()) - static_cast<double>(empty);
        const auto answer = farm.client().ask("run " + std::to_string(settings.seconds));
        if (k == 0) {
          fresh_fills.push_back((filled - before) / static_cast<double>(tasks));
        } else {
          fill += filled - before;
        }
        run += farm.broker()->cpu_us() - filled;
        done += answer.at("tasks").get<double>();
        seconds += answer.at("seconds").get<double>();
      }
      fills.push_back(fill / static_cast<double>(tasks * (repeats - 1)));
      runs.push_back(run / done);
      rates.push_back(done / seconds);
      bytes.push_back(memory / static_cast<double>(tasks));
      peaks.push_back(static_cast<double>(farm.broker()->peak()));
    }
    if (first_fill == 0) first_fill = median(fills), first_run = median(runs);
    Row row{{"scenario", std::string("backlog")},
            {"system", std::to_string(tasks) + " tasks queued"},
            {"bytes_per_task", rounded(median(bytes), 1)},
            {"broker_peak_mb", rounded(median(peaks) / 1e6, 0)},
            {"accept_cpu_us", rounded(median(fills), 3)},
            {"run_cpu_us", rounded(median(runs), 3)},
            {"cpu_vs_first", rounded((median(fills) + median(runs)) / (first_fill + first_run), 2)},
            {"tasks_per_s", rounded(median(rates), 0)}};
    if (tasks >= kSeen) row.set("fresh_accept_cpu_us", rounded(median(fresh_fills), 3));
    report.add(std::move(row));
  }
}

// --- many that are idle ---

void run_idle(const Settings& settings, Report& report) {
  constexpr std::int64_t kWorkers = 5'000;
  constexpr double kSeconds = 10;
  constexpr Duration kSettling = std::chrono::seconds(6);  // until each has heard how often to beat among so many
  Farm farm(settings, 0, 0);
  if (farm.broker() == nullptr) return;
  Process idle(part({"idle", farm.endpoint(), std::to_string(kWorkers)}));
  idle.read_json();
  wait({}, now() + kSettling);
  const double before = farm.broker()->cpu_us();
  const TimePoint start = now();
  wait({}, start + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(kSeconds)));
  const double used = (farm.broker()->cpu_us() - before) / 1e6;
  report.add({{"scenario", std::string("idle")},
              {"system", std::to_string(kWorkers) + " idle workers"},
              {"broker_core_percent", rounded(100 * used / kSeconds, 2)}});
}

}  // namespace stint::bench
