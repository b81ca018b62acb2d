// stint bench: measures, beside the reference, in rounds that take turns; see tools/bench.
#include <unistd.h>

#include <algorithm>
#include <string>

#include "tools/bench/bench.hpp"
#include "tools/bench/part.hpp"
#include "tools/bench/plot.hpp"
#include "tools/show/json.hpp"
#include "tools/show/output.hpp"
#include "tools/show/table.hpp"
#include "tools/show/text.hpp"
#include "tools/stint/command.hpp"

namespace stint::tool {
namespace {

const bench::Scenario& scenario(const std::string& name) {
  const auto all = bench::scenarios();
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& scenario) { return scenario.name == name; });
  if (at == all.end()) throw UsageError("there is no scenario \"" + escaped(name) + "\"; see stint bench --help");
  return *at;
}

std::vector<const bench::Scenario*> chosen(const std::vector<std::string>& names) {
  std::vector<const bench::Scenario*> all;
  for (const std::string& name : names) all.push_back(&scenario(name));
  if (names.empty()) {
    for (const bench::Scenario& each : bench::scenarios()) all.push_back(&each);
  }
  return all;
}

std::string names_of(const std::vector<const bench::Scenario*>& some) {
  std::string names;
  for (const bench::Scenario* each : some) names += (names.empty() ? "" : ", ") + std::string(each->name);
  return names;
}

// Minutes of measuring are not to end without the picture that they were for.
void require_chart(const std::vector<const bench::Scenario*>& some) {
  if (std::any_of(some.begin(), some.end(), [](const auto* each) { return each->has_chart; })) return;
  std::vector<const bench::Scenario*> charted = chosen({});
  std::erase_if(charted, [](const auto* each) { return !each->has_chart; });
  throw UsageError("--plot has no chart to draw of " + names_of(some) + ": add one of " + names_of(charted) + ", or leave --plot out");
}

Options options(bench::Settings& settings, bool& json, std::string& plot) {
  Options options;
  options.text("broker", 'B', "ENDPOINT", "measure this broker (default: one is started for each scenario)",
               settings.broker);
  options.text("data", 0, "DIRECTORY",
               "measure durably: brokers keep their jobs within it, beside one in memory and beside the disk itself", settings.data);
  options.number("bytes", 0, "N", "size of a task, and of its result [64]", 1, 1 << 20, settings.bytes);
  options.number("slots", 0, "N", "slots of a worker [1]", 1, 4096, settings.slots);
  options.number("workers", 0, "N", "worker processes [1]", 1, 64, settings.workers);
  options.number("clients", 0, "N", "client processes [1]", 1, 64, settings.clients);
  options.number("rounds", 0, "N", "rounds in which all take turns; medians are shown [7]", 1, 1000, settings.rounds);
  options.custom("seconds", 0, "SECONDS", "length of a round of one system [1]", [&settings](std::string_view text) {
    settings.seconds = std::chrono::duration<double>(to_seconds("--seconds", text)).count();
  });
  options.number("samples", 0, "N", "round trips of each system in `latency` [20000]", 500, 10'000'000, settings.samples);
  options.number("tasks", 0, "N", "the deepest queue in `backlog` [10000000]", 10'000, 100'000'000, settings.tasks);
  options.text("plot", 0, "FILE", "also draw what was measured, as SVG (needs gnuplot)", plot);
  options.flag("json", 'j', "one JSON object a line", json);
  return options;
}

// False: nobody reads it any more.
bool show(const bench::Report& report, const bench::Scenario& scenario, bool json) {
  std::vector<Row> rows;
  for (const Row& row : report.rows()) {
    if (row.text("scenario") == scenario.name) rows.push_back(row);
  }
  std::string text;
  const std::string title = std::string(scenario.name) + ": " + std::string(scenario.sentence);
  if (!json) text = "\n" + title + "\n" + table(rows, {"system"}, {"scenario"});
  for (const Row& row : rows) {
    if (json) text += json_line(to_json(row));
  }
  return Output(STDOUT_FILENO).write(text);
}

}  // namespace

Exit bench(const Invocation& call) {
  if (!call.arguments.empty() && call.arguments.front() == "part") {
    bench::play_part({call.arguments.begin() + 1, call.arguments.end()});
    return Exit::ok;
  }
  bench::Settings settings;
  bool json = false;
  std::string plot;
  Options known = options(settings, json, plot);
  const auto names = call.parse(known);
  if (!names) return Exit::ok;
  if (!settings.broker.empty() && !settings.data.empty()) {
    throw UsageError("--data says where a broker that is started keeps its jobs, so it does not go with --broker: give one of them");
  }
  const auto all = chosen(*names);
  if (!plot.empty()) {
    require_chart(all);
    bench::require_drawable(plot);
  }
  bench::Report report;
  for (const bench::Scenario* each : all) {
    each->run(settings, report);
    if (!show(report, *each, json)) break;
  }
  if (!plot.empty()) bench::draw(report, plot);
  return Exit::ok;
}

}  // namespace stint::tool
