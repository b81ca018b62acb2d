#include "tools/bench/bench.hpp"

namespace stint::bench {
namespace {

constexpr Scenario kScenarios[] = {
    {"throughput", "tasks a second, beside a bare proxy", run_throughput},
    {"latency", "one task at a time, beside a bare proxy", run_latency},
    {"loaded", "a task's time at half of the maximum rate", run_loaded},
    {"fan-out", "200 clients with a task each in flight", run_fan_out},
    {"large", "tasks of 1 MiB", run_large},
    {"backlog", "cost and memory with 10,000 to --tasks queued", run_backlog},
    {"jobs", "cost with 1 to 1,000 jobs open", run_jobs},
    {"workers", "cost with 1 to 200 workers", run_workers},
    {"idle", "cost of 5,000 idle workers", run_idle, false},
    {"tail", "unequal tasks on 8 slots, beside list scheduling", run_tail, false},
};

}  // namespace

std::span<const Scenario> scenarios() { return kScenarios; }

}  // namespace stint::bench
