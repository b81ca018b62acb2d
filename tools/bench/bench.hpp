// What `stint bench` measures: scenarios, each on a stage of processes that it sets up itself, and a report of rows.
//
//   Report report;
//   for (const Scenario& scenario : scenarios()) scenario.run(settings, report);
//
// Every scenario takes `rounds` rounds in which Stint and its reference take turns, and reports medians; only ratios
// within one run mean anything, since absolute figures change with the machine and the hour. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stint/row.hpp"
#include "tools/bench/disk.hpp"
#include "tools/bench/process.hpp"

namespace stint::bench {

struct Settings {
  std::string broker;   // empty: one is started for each scenario
  std::string data;     // within it, that one keeps its jobs in a directory of its own; empty: in memory
  std::int64_t bytes = 64;
  std::int64_t slots = 1;
  std::int64_t workers = 1;  // processes
  std::int64_t clients = 1;  // processes
  std::int64_t rounds = 7;
  double seconds = 1;             // of one round of one system
  std::int64_t samples = 20'000;  // of latency
  std::int64_t tasks = 10'000'000;  // the deepest backlog
};

class Report {
 public:
  void add(Row row) { rows_.push_back(std::move(row)); }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;
};

struct Scenario {
  std::string_view name;
  std::string_view sentence;
  void (*run)(const Settings&, Report&);
  bool has_chart = true;  // it reports a rate or a round trip, which draw() shows
};

std::span<const Scenario> scenarios();

// --- what scenarios are made of ---

constexpr std::int64_t kReferenceBatch = 100;  // tasks a message, in the batched reference

// A broker, workers and clients. The broker is the user's, or one started for it.
class Farm {
 public:
  explicit Farm(const Settings& settings) : Farm(settings, settings.workers, settings.clients) {}
  Farm(const Settings& settings, std::int64_t workers, std::int64_t clients);

  const std::string& endpoint() const { return endpoint_; }
  Process* broker() { return broker_.get(); }  // null: it is the user's
  Process& client(std::size_t i = 0) { return *clients_.at(i); }
  std::size_t clients() const { return clients_.size(); }
  void add_worker(std::int64_t slots, std::int64_t workers_in_it);

 private:
  std::string endpoint_;
  std::optional<ScratchDirectory> data_;
  std::unique_ptr<Process> broker_;
  std::vector<std::unique_ptr<Process>> workers_;
  std::vector<std::unique_ptr<Process>> clients_;
};

// A bare proxy, its echo and its sender.
class Reference {
 public:
  explicit Reference(const std::vector<std::string>& words = {}, std::int64_t echoes = 1);  // tuned, handover

  const std::string& front() const { return front_; }
  Process& proxy() { return *proxy_; }
  Process& sender() { return *sender_; }

 private:
  std::unique_ptr<Process> proxy_;
  std::unique_ptr<Process> echo_;
  std::unique_ptr<Process> sender_;
  std::string front_;
};

// A rate, and what it cost the process in the middle.
struct Flow {
  std::vector<double> rates;    // tasks a second, of each round
  std::vector<double> cpu_us;   // of the broker or proxy, a task

  void add(double tasks, double seconds, double cpu);
  double rate() const;
  double cpu() const;
};

// Asks every client at once, and adds up.
void measure(Flow& flow, Farm& farm, const std::string& order);
void measure(Flow& flow, Reference& reference, const std::string& order);

double median(std::vector<double> values);  // of none: 0
double percentile(std::vector<double>& samples, double part);  // sorts them
double rounded(double value, int digits);

void run_throughput(const Settings& settings, Report& report);
void run_latency(const Settings& settings, Report& report);
void run_loaded(const Settings& settings, Report& report);
void run_fan_out(const Settings& settings, Report& report);
void run_large(const Settings& settings, Report& report);
void run_backlog(const Settings& settings, Report& report);
void run_jobs(const Settings& settings, Report& report);
void run_workers(const Settings& settings, Report& report);
void run_idle(const Settings& settings, Report& report);
void run_tail(const Settings& settings, Report& report);

}  // namespace stint::bench
