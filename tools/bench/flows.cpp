// The scenarios that count tasks a second.
#include "tools/bench/bench.hpp"

namespace stint::bench {
namespace {

constexpr std::int64_t kInFlight = 65'536;   // tasks that the reference has on their way, as many as a job of ours
constexpr std::int64_t kLoneInFlight = 2'000;  // messages, where each is a task: what suits the bare proxy best
constexpr std::int64_t kLargeBytes = 1 << 20;
constexpr std::int64_t kLargeInFlight = 16;
constexpr std::int64_t kCrowd = 200;

// An order to let tasks flow for so many seconds; the rest are whole numbers.
std::string flow_for(double seconds, std::initializer_list<std::int64_t> numbers) {
  std::string text = "flow " + std::to_string(seconds);
  for (const std::int64_t number : numbers) text += " " + std::to_string(number);
  return text;
}

Row row(std::string_view scenario, const std::string& system, const Flow& flow) {
  Row row{{"scenario", std::string(scenario)}, {"system", system}, {"tasks_per_s", rounded(flow.rate(), 0)}};
  if (flow.cpu() > 0) row.set("broker_cpu_us", rounded(flow.cpu(), 3));
  return row;
}

// The median of the ratios of each round: what both went through in the same second.
double ratio(const std::vector<double>& values, const std::vector<double>& of_reference) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < values.size(); ++i) ratios.push_back(values[i] / of_reference[i]);
  return median(std::move(ratios));
}

double ratio(const Flow& flow, const Flow& reference) { return rounded(ratio(flow.rates, reference.rates), 3); }

void compare_cpu(Row& row, const Flow& flow, const Flow& first) {
  if (first.cpu() > 0) row.set("cpu_vs_first", rounded(ratio(flow.cpu_us, first.cpu_us), 2));
}

Row compared(Row row, const Flow& flow, const Flow& lone, const Flow& batched) {
  row.set("vs_proxy", ratio(flow, lone));
  row.set("vs_batched", ratio(flow, batched));
  if (flow.cpu() > 0) row.set("cpu_vs_batched", rounded(flow.cpu() / batched.cpu(), 2));
  return row;
}

std::string name_of(const Settings& settings) { return settings.data.empty() ? "stint" : "stint durable"; }

std::string described(const Settings& settings) {
  return name_of(settings) + ", " + std::to_string(settings.clients) + " clients, " + std::to_string(settings.workers) +
         " workers of " + std::to_string(settings.slots);
}

// Beside a broker that keeps its jobs in memory, and the disk. A task's payload and its result are what has to lie there.
void run_durable_throughput(const Settings& settings, Report& report) {
  Settings in_memory = settings;
  in_memory.data.clear();
  Farm farm(settings);
  Farm memory_farm(in_memory);
  Disk disk(settings.data);
  Flow ours, memory;
  for (std::int64_t i = 0; i < settings.rounds; ++i) {
    disk.measure();
    measure(memory, memory_farm, flow_for(settings.seconds, {settings.bytes}));
    measure(ours, farm, flow_for(settings.seconds, {settings.bytes}));
  }
  const double task_bytes = 2 * static_cast<double>(settings.bytes);
  report.add({{"scenario", std::string("throughput")},
              {"system", std::string("disk, written in sequence")},
              {"mb_per_s", rounded(disk.bytes_per_second() / 1e6, 0)}});
  report.add(row("throughput", described(in_memory), memory));
  Row mine = row("throughput", described(settings), ours);
  mine.set("mb_per_s", rounded(ours.rate() * task_bytes / 1e6, 0));
  mine.set("vs_memory", ratio(ours, memory));
  mine.set("vs_disk", rounded(ours.rate() * task_bytes / disk.bytes_per_second(), 3));
  report.add(std::move(mine));
}

}  // namespace

void run_throughput(const Settings& settings, Report& report) {
  if (!settings.data.empty()) return run_durable_throughput(settings, report);
  Settings crowded = settings;
  crowded.workers = 4;
  crowded.clients = 2;
  Farm farm(settings);
  Farm more(crowded);
  Reference lone_reference;
  Reference batched_reference({"tuned"});
  Flow ours, ours_more, lone, batched;
  for (std::int64_t i = 0; i < settings.rounds; ++i) {
    measure(lone, lone_reference, flow_for(settings.seconds, {1, settings.bytes, kLoneInFlight}));
    measure(ours, farm, flow_for(settings.seconds, {settings.bytes}));
    measure(batched, batched_reference, flow_for(settings.seconds, {kReferenceBatch, settings.bytes, kInFlight / kReferenceBatch}));
    measure(ours_more, more, flow_for(settings.seconds, {settings.bytes}));
  }
  report.add(row("throughput", "bare proxy, a task a message", lone));
  report.add(compared(row("throughput", "bare proxy, 100 a message, no trimming", batched), batched, lone, batched));
  report.add(compared(row("throughput", described(settings), ours), ours, lone, batched));
  Row last = compared(row("throughput", described(crowded), ours_more), ours_more, lone, batched);
  last.set("vs_first", ratio(ours_more, ours));
  report.add(std::move(last));
}

void run_fan_out(const Settings& settings, Report& report) {
  Farm farm(settings, settings.workers, 0);
  Process crowd(part({"crowd", farm.endpoint(), std::to_string(kCrowd)}));
  crowd.read_json();
  Reference reference;
  Process dealers(part({"dealers", reference.front(), std::to_string(kCrowd)}));
  dealers.read_json();
  Flow ours, bare;
  const std::string order = flow_for(settings.seconds, {settings.bytes});
  const auto one_round = [&](Flow& flow, Process& peers, Process* middle) {
    const double before = middle == nullptr ? 0 : middle->cpu_us();
    const auto answer = peers.ask(order);
    flow.add(answer.at("tasks"), answer.at("seconds"), (middle == nullptr ? 0 : middle->cpu_us()) - before);
  };
  for (std::int64_t i = 0; i < settings.rounds; ++i) {
    one_round(bare, dealers, &reference.proxy());
    one_round(ours, crowd, farm.broker());
  }
  report.add(row("fan-out", "bare proxy, 200 clients with a task each", bare));
  Row mine = row("fan-out", name_of(settings) + ", 200 clients with a task each", ours);
  mine.set("vs_proxy", ratio(ours, bare));
  report.add(std::move(mine));
}

void run_large(const Settings& settings, Report& report) {
  Farm farm(settings);
  Reference reference;
  Flow ours, bare;
  for (std::int64_t i = 0; i < settings.rounds; ++i) {
    measure(bare, reference, flow_for(settings.seconds, {1, kLargeBytes, kLargeInFlight}));
    measure(ours, farm, flow_for(settings.seconds, {kLargeBytes}));
  }
  report.add(row("large", "bare proxy, 1 MiB a task", bare));
  Row mine = row("large", name_of(settings) + ", 1 MiB a task", ours);
  mine.set("vs_proxy", ratio(ours, bare));
  report.add(std::move(mine));
}

// What a task costs while so many jobs are open, with messages as full as those of one job; and apart from it what a job costs that
// comes and goes with a single task.
void run_jobs(const Settings& settings, Report& report) {
  constexpr std::int64_t kTasks = 4'096'000;
  constexpr std::int64_t kPassingJobs = 1'000;
  Farm farm(settings, settings.workers, 1);
  const std::int64_t counts[] = {1, 10, 100, 1'000};
  const std::string bytes = " " + std::to_string(settings.bytes);
  std::vector<Flow> flows(std::size(counts));
  Flow passing;
  for (std::int64_t i = 0; i < settings.rounds; ++i) {
    for (std::size_t k = 0; k < std::size(counts); ++k) {
      farm.client().ask("open " + std::to_string(counts[k]) + bytes);
      measure(flows[k], farm, "jobs " + std::to_string(kTasks) + bytes);
      farm.client().ask("end");
    }
    measure(passing, farm, "pass-by " + std::to_string(kPassingJobs) + bytes);
  }
  for (std::size_t k = 0; k < std::size(counts); ++k) {
    Row one = row("jobs", name_of(settings) + ", " + std::to_string(counts[k]) + " jobs open", flows[k]);
    compare_cpu(one, flows[k], flows[0]);
    report.add(std::move(one));
  }
  report.add(row("jobs", name_of(settings) + ", opened, a task, ended", passing));
}

// Beside the proxy, to see what so many connections cost the one that moves the messages, whoever it is.
void run_workers(const Settings& settings, Report& report) {
  constexpr std::int64_t kInFlightEach = 900;
  const std::int64_t counts[] = {1, 10, 200};
  std::vector<std::unique_ptr<Farm>> farms;
  std::vector<std::unique_ptr<Reference>> references;
  for (const std::int64_t count : counts) {
    farms.push_back(std::make_unique<Farm>(settings, 0, 1));
    farms.back()->add_worker(settings.slots, count);
    references.push_back(std::make_unique<Reference>(std::vector<std::string>{"tuned"}, count));
  }
  std::vector<Flow> flows(std::size(counts)), bare(std::size(counts));
  for (std::int64_t i = 0; i < settings.rounds; ++i) {
    for (std::size_t k = 0; k < std::size(counts); ++k) {
      const std::int64_t in_flight = kInFlightEach * counts[k];
      measure(bare[k], *references[k], flow_for(settings.seconds, {kReferenceBatch, settings.bytes, in_flight / kReferenceBatch}));
      measure(flows[k], *farms[k], flow_for(settings.seconds, {settings.bytes, in_flight}));
    }
  }
  const auto add = [&](const std::string& system, const std::vector<Flow>& all) {
    for (std::size_t k = 0; k < std::size(counts); ++k) {
      Row one = row("workers", system + std::to_string(counts[k]) + " workers", all[k]);
      compare_cpu(one, all[k], all[0]);
      report.add(std::move(one));
    }
  };
  add("bare proxy, 100 a message, ", bare);
  add(name_of(settings) + ", ", flows);
}

}  // namespace stint::bench
