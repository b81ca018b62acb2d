// The scenarios that measure how long a task takes.
#include <algorithm>

#include "tools/bench/bench.hpp"

namespace stint::bench {
namespace {

constexpr std::int64_t kBlock = 500;  // samples of one system before it is the next one's turn

using Samples = std::vector<double>;  // microseconds

void add_samples(Samples& into, const nlohmann::ordered_json& answer) {
  for (const auto& sample : answer.at("ns")) into.push_back(sample.get<double>() / 1000);
}

Row row(std::string_view scenario, const std::string& system, Samples& samples) {
  return {{"scenario", std::string(scenario)},
          {"system", system},
          {"p50_us", rounded(percentile(samples, 0.5), 0)},
          {"p90_us", rounded(percentile(samples, 0.9), 0)},
          {"p99_us", rounded(percentile(samples, 0.99), 0)},
          {"p999_us", rounded(percentile(samples, 0.999), 0)}};
}

double ratio(Samples& ours, Samples& others, double part) {
  return rounded(percentile(ours, part) / percentile(others, part), 3);
}

// What one system made of a load.
struct Load {
  Samples idle, loaded;
  std::vector<double> ratios;  // of the 99th percentiles of each round

  void add(const nlohmann::ordered_json& one_at_a_time, const nlohmann::ordered_json& many) {
    Samples alone, among_many;
    add_samples(alone, one_at_a_time);
    add_samples(among_many, many);
    ratios.push_back(percentile(among_many, 0.99) / percentile(alone, 0.99));
    idle.insert(idle.end(), alone.begin(), alone.end());
    loaded.insert(loaded.end(), among_many.begin(), among_many.end());
  }
};

// Beside a broker that keeps its jobs in memory, and commits of the disk.
void run_durable_latency(const Settings& settings, Report& report) {
  Settings in_memory = settings;
  in_memory.data.clear();
  Farm farm(settings, 1, 1);
  Farm memory_farm(in_memory, 1, 1);
  Disk disk(settings.data);
  Samples ours, memory;
  const std::string order = "ping " + std::to_string(kBlock) + " " + std::to_string(settings.bytes);
  for (std::int64_t i = 0; i < settings.samples; i += kBlock) {
    disk.measure();
    add_samples(memory, memory_farm.client().ask(order));
    add_samples(ours, farm.client().ask(order));
  }
  report.add({{"scenario", std::string("latency")},
              {"system", std::string("disk, a page appended and synced")},
              {"p50_us", rounded(disk.commit_us(), 0)},
              {"p99_us", rounded(disk.slow_commit_us(), 0)}});
  report.add(row("latency", "stint", memory));
  Row mine = row("latency", "stint durable", ours);
  mine.set("commits_over_memory", rounded((percentile(ours, 0.5) - percentile(memory, 0.5)) / disk.commit_us(), 2));
  report.add(std::move(mine));
}

}  // namespace

void run_latency(const Settings& settings, Report& report) {
  if (!settings.data.empty()) return run_durable_latency(settings, report);
  Farm farm(settings, 1, 1);
  Reference bare_reference;
  Reference handing_reference({"handover"});
  Samples ours, bare, handing;
  const std::string order = "ping " + std::to_string(kBlock) + " " + std::to_string(settings.bytes);
  for (std::int64_t i = 0; i < settings.samples; i += kBlock) {
    add_samples(bare, bare_reference.sender().ask(order));
    add_samples(ours, farm.client().ask(order));
    add_samples(handing, handing_reference.sender().ask(order));
  }
  report.add(row("latency", "bare proxy", bare));
  report.add(row("latency", "bare proxy, client and worker hand over to a thread and back", handing));
  Row mine = row("latency", settings.data.empty() ? "stint" : "stint durable", ours);
  mine.set("p50_vs_proxy", ratio(ours, bare, 0.5));
  mine.set("p50_vs_handover", ratio(ours, handing, 0.5));
  mine.set("p99_vs_handover", ratio(ours, handing, 0.99));
  report.add(std::move(mine));
}

// Beside the proxy at the same rate, which tells what the machine did to whoever moved so many messages in that second.
void run_loaded(const Settings& settings, Report& report) {
  constexpr std::int64_t kIdleSamples = 4'000;  // of each round
  const std::string bytes = " " + std::to_string(settings.bytes);
  const std::string ping = "ping " + std::to_string(kIdleSamples) + bytes;
  Farm farm(settings, settings.workers, 1);
  Reference reference({"tuned"});
  Flow most;
  Load ours, bare;
  for (std::int64_t i = 0; i < settings.rounds; ++i) {
    measure(most, farm, "flow " + std::to_string(settings.seconds) + bytes);
    const std::string paced = "paced " + std::to_string(settings.seconds) + " " + std::to_string(most.rate() / 2);
    const auto bare_idle = reference.sender().ask(ping);
    const auto idle = farm.client().ask(ping);
    bare.add(bare_idle, reference.sender().ask(paced + " " + std::to_string(kReferenceBatch) + bytes));
    ours.add(idle, farm.client().ask(paced + bytes));
  }
  const auto add = [&](const std::string& system, Load& load) {
    report.add(row("loaded", system + "idle, one task at a time", load.idle));
    Row half = row("loaded", system + "half of Stint's maximum", load.loaded);
    half.set("tasks_per_s", rounded(most.rate() / 2, 0));
    half.set("p99_vs_idle", rounded(median(load.ratios), 2));
    report.add(std::move(half));
  };
  add("bare proxy, 100 a message, ", bare);
  add("stint, ", ours);
}

}  // namespace stint::bench
