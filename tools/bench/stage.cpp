// The processes that a scenario is played with, and how a round is counted.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tools/bench/bench.hpp"

namespace stint::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string listen_of(const std::string& ready) {
  constexpr std::string_view key = "listen=";
  const auto at = ready.find(key);
  if (at == std::string::npos) throw std::runtime_error("stint-broker did not say where it listens: " + ready);
  const auto from = at + key.size();
  return ready.substr(from, ready.find(' ', from) - from);
}

std::vector<std::string> broker_command(const std::optional<ScratchDirectory>& data) {
  std::vector<std::string> command{program_beside("stint-broker"), "--listen",    "tcp://127.0.0.1:*", "--events",
                                   "tcp://127.0.0.1:*",            "--log-level", "error"};
  if (data) {
    command.insert(command.end(), {"--data", data->path().string()});
  } else {
    command.emplace_back("--memory");
  }
  return command;
}

std::unique_ptr<Process> start_part(std::vector<std::string> arguments) {
  auto process = std::make_unique<Process>(part(std::move(arguments)));
  process->read_json();
  return process;
}

}  // namespace

Farm::Farm(const Settings& settings, std::int64_t workers, std::int64_t clients) : endpoint_(settings.broker) {
  if (endpoint_.empty()) {
    if (!settings.data.empty()) data_.emplace(settings.data);
    broker_ = std::make_unique<Process>(broker_command(data_));
    endpoint_ = listen_of(broker_->line());
  }
  for (std::int64_t i = 0; i < workers; ++i) add_worker(settings.slots, 1);
  for (std::int64_t i = 0; i < clients; ++i) clients_.push_back(start_part({"client", endpoint_}));
}

void Farm::add_worker(std::int64_t slots, std::int64_t workers_in_it) {
  workers_.push_back(start_part({"worker", endpoint_, std::to_string(slots), std::to_string(workers_in_it)}));
}

Reference::Reference(const std::vector<std::string>& words, std::int64_t echoes) {
  const auto with = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), words.begin(), words.end());
    return arguments;
  };
  proxy_ = std::make_unique<Process>(part(with({"proxy"})));
  const Json ready = proxy_->read_json();
  front_ = ready.at("front");
  echo_ = start_part(with({"echo", ready.at("back"), std::to_string(echoes)}));
  sender_ = start_part(with({"sender", front_}));
}

void Flow::add(double tasks, double seconds, double cpu) {
  rates.push_back(tasks / seconds);
  cpu_us.push_back(cpu / tasks);
}

double Flow::rate() const { return median(rates); }
double Flow::cpu() const { return median(cpu_us); }

void measure(Flow& flow, Farm& farm, const std::string& order) {
  const double before = farm.broker() == nullptr ? 0 : farm.broker()->cpu_us();
  for (std::size_t i = 0; i < farm.clients(); ++i) farm.client(i).tell(order);
  double tasks = 0;
  double seconds = 0;
  for (std::size_t i = 0; i < farm.clients(); ++i) {
    const Json answer = farm.client(i).read_json();
    tasks += answer.at("tasks").get<double>();
    seconds = std::max(seconds, answer.at("seconds").get<double>());
  }
  const double after = farm.broker() == nullptr ? 0 : farm.broker()->cpu_us();
  flow.add(tasks, seconds, after - before);
}

void measure(Flow& flow, Reference& reference, const std::string& order) {
  const double before = reference.proxy().cpu_us();
  const Json answer = reference.sender().ask(order);
  flow.add(answer.at("tasks"), answer.at("seconds"), reference.proxy().cpu_us() - before);
}

double median(std::vector<double> values) { return values.empty() ? 0 : percentile(values, 0.5); }

double percentile(std::vector<double>& samples, double part) {
  std::sort(samples.begin(), samples.end());
  const double at = part * static_cast<double>(samples.size() - 1);
  return samples.at(static_cast<std::size_t>(std::lround(at)));
}

double rounded(double value, int digits) {
  const double scale = std::pow(10.0, digits);
  return std::round(value * scale) / scale;
}

}  // namespace stint::bench
