// Worker and client, made of the public libraries as any user's program is.
#include <algorithm>
#include <memory>
#include <optional>
#include <semaphore>
#include <thread>
#include <utility>

#include "common/model/limits.hpp"
#include "common/net/allocator.hpp"
#include "common/net/wait.hpp"
#include "stint/client.hpp"
#include "stint/worker.hpp"
#include "tools/bench/part.hpp"

namespace stint::bench {
namespace {

std::string stamp(TimePoint time) { return std::to_string(time.time_since_epoch().count()); }

// Takes as many microseconds as the payload says, and tells its worker, when it began and when it ended.
std::string pass_time(const Task& task, const std::string& name) {
  const TimePoint start = now();
  wait({}, start + std::chrono::microseconds(std::stoll(std::string(task.payload()))));
  return name + " " + stamp(start) + " " + stamp(now());
}

std::uint64_t number_in(std::istringstream& rest) {
  std::uint64_t number = 0;
  rest >> number;
  return number;
}

double fraction_in(std::istringstream& rest) {
  double number = 0;
  rest >> number;
  return number;
}

Json flow_answer(std::uint64_t tasks, TimePoint start) { return {{"tasks", tasks}, {"seconds", seconds_since(start)}}; }

std::uint64_t read_what_is_there(Job& job) {
  std::uint64_t read = 0;
  while (job.try_next()) ++read;
  return read;
}

// As many tasks as go through in `seconds`, with at most `window` (0: no limit) on their way: one thread that writes and
// reads in turn.
Json flow(Client& client, double seconds, std::uint64_t bytes, std::uint64_t window) {
  constexpr int kWritesInTurn = 256;
  const std::string payload(bytes, 'x');
  Job job = client.open({.kind = "echo"});
  const TimePoint start = now();
  const TimePoint end = start + from_seconds(seconds);
  std::uint64_t written = 0;
  std::uint64_t read = 0;
  bool writing = true;
  const auto has_room = [&] { return writing && (window == 0 || written - read < window); };
  while (!job.ended()) {
    if (writing && now() >= end) job.close(), writing = false;
    const Ready ready = job.poll(has_room() ? Ready::either : Ready::readable);
    for (int i = 0; has_room() && has(ready, Ready::writable) && i < kWritesInTurn && job.try_write(payload); ++i) ++written;
    read += read_what_is_there(job);
  }
  return flow_answer(read, start);
}

Json ping(Client& client, std::uint64_t count, std::uint64_t bytes) {
  const std::string payload(bytes, 'x');
  Job job = client.open({.kind = "echo"});
  Json samples = Json::array();
  for (std::uint64_t i = 0; i < count; ++i) {
    const TimePoint start = now();
    job.write(payload);
    job.next();
    samples.push_back((now() - start).count());
  }
  job.close();
  while (job.next()) {
  }
  return {{"ns", std::move(samples)}};
}

// Jobs that are open at once. Tasks go through them in turn, each time as many of a job as a message takes of 64 bytes.
class OpenJobs {
 public:
  explicit OpenJobs(Client& client) : client_(client) {}

  // Opens them, and lets the broker learn how long their tasks take.
  Json open(std::uint64_t count, std::uint64_t bytes) {
    constexpr std::uint64_t kTurnsToLearn = 2;
    for (std::uint64_t i = 0; i < count; ++i) jobs_.push_back(client_.open({.kind = "echo"}));
    return flow(kTurnsToLearn * count * kRun, bytes);
  }

  Json flow(std::uint64_t tasks, std::uint64_t bytes) {
    const std::string payload(bytes, 'x');
    const std::uint64_t runs = tasks / kRun;
    const TimePoint start = now();
    std::counting_semaphore<> room(kRunsUnderWay);
    std::thread writer([&] {
      for (std::uint64_t run = 0; run < runs; ++run) {
        room.acquire();
        for (std::uint64_t i = 0; i < kRun; ++i) job_of(run).write(payload);
      }
    });
    for (std::uint64_t run = 0; run < runs; ++run) {
      for (std::uint64_t i = 0; i < kRun; ++i) job_of(run).next();
      room.release();
    }
    writer.join();
    return flow_answer(runs * kRun, start);
  }

  // Each is opened, gets one task, and ends.
  Json pass_by(std::uint64_t count, std::uint64_t bytes) {
    const std::string payload(bytes, 'x');
    const TimePoint start = now();
    for (std::uint64_t i = 0; i < count; ++i) jobs_.push_back(client_.open({.kind = "echo"}));
    for (Job& job : jobs_) job.write(payload);
    end();
    return flow_answer(count, start);
  }

  Json end() {
    for (Job& job : jobs_) job.close();
    for (Job& job : jobs_) {
      while (job.next()) {
      }
    }
    jobs_.clear();
    return {};
  }

 private:
  static constexpr std::uint64_t kRun = limits::kBatchBytes / 64;
  static constexpr std::ptrdiff_t kRunsUnderWay = 16;

  Job& job_of(std::uint64_t run) { return jobs_[run % jobs_.size()]; }

  Client& client_;
  std::vector<Job> jobs_;
};

// `rate` tasks a second for `seconds`; how long each took from its write to its result, in nanoseconds. There is room for all samples
// from the start, and it has been written to: to make more would stop the generator for tens of milliseconds, and the first touch of each
// page for microseconds, with which the tasks meanwhile would be charged.
Json paced(Client& client, double seconds, double rate, std::uint64_t bytes) {
  const std::string payload(bytes, 'x');
  Job job = client.open({.kind = "echo"});
  std::vector<TimePoint> written(static_cast<std::size_t>(rate * seconds) + 1);
  std::vector<std::int64_t> samples(written.size());
  written.clear();
  samples.clear();
  const TimePoint start = now();
  while (!job.ended()) {
    const double passed = seconds_since(start);
    const auto due = static_cast<std::size_t>(rate * std::min(passed, seconds));
    const TimePoint present = now();
    while (written.size() < due && job.try_write(payload)) written.push_back(present);
    if (passed >= seconds) job.close();
    job.poll(Ready::readable, Timeout(1));
    const TimePoint here = now();
    while (const auto result = job.try_next()) samples.push_back((here - written[result->index]).count());
  }
  return {{"ns", samples}, {"tasks", written.size()}, {"seconds", seconds_since(start)}};
}

// A job that is paused while it is filled with `tasks`, and then run for `seconds`, or to its end.
class Backlog {
 public:
  explicit Backlog(Client& client) : client_(client) {}

  Json fill(std::uint64_t tasks, std::uint64_t bytes) {
    const std::string payload(bytes, 'x');
    job_.emplace(client_.open({.kind = "echo", .results = ResultsPolicy::discard}));
    client_.pause(std::to_string(value(job_->id())));
    const TimePoint start = now();
    for (std::uint64_t i = 0; i < tasks; ++i) job_->write(payload);
    job_->flush();
    return flow_answer(tasks, start);
  }

  Json run(double seconds) {
    const std::string id = std::to_string(value(job_->id()));
    const TimePoint start = now();
    client_.resume(id);
    job_->close();
    try {
      job_->wait(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
    } catch (const TimedOut&) {
      client_.pause(id);
    }
    const JobReport report = job_->status();
    Json answer = flow_answer(report.counts.done, start);
    if (!report.ended) job_->cancel();
    job_.reset();
    client_.forget(id);
    return answer;
  }

 private:
  Client& client_;
  std::optional<Job> job_;
};

// The tasks take the microseconds given, in this order; what they told, and how long all of it took.
Json tail(Client& client, std::istringstream& rest) {
  Job job = client.open({.kind = "time"});
  const TimePoint start = now();
  for (std::string micros; rest >> micros;) job.write(micros);
  job.close();
  Json told = Json::array();
  while (const auto result = job.next()) told.push_back(std::string(result->result));
  return {{"told", std::move(told)}, {"seconds", seconds_since(start)}};
}

}  // namespace

void play_worker(const Arguments& arguments) {
  tune_allocator();
  zmq::context_t context;
  context.set(zmq::ctxopt::max_sockets, 4096);
  const auto slots = static_cast<unsigned>(std::stoul(arguments.at(1)));
  const std::uint64_t count = std::stoull(arguments.at(2));
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::uint64_t i = 0; i < count; ++i) {
    workers.push_back(std::make_unique<Worker>(WorkerOptions{.broker = arguments.front(),
                                                             .slots = slots,
                                                             .handle_signals = false,
                                                             .log = [](std::string_view) {},
                                                             .zmq_context = &context}));
    workers.back()->on("echo", [](Task& task) { return task.payload(); });
    workers.back()->on("time", [name = std::to_string(i)](Task& task) { return pass_time(task, name); });
    std::thread([worker = workers.back().get()] { worker->run(); }).detach();
  }
  obey({{"ready", true}}, [](const std::string&, std::istringstream&) { return Json(); });
}

void play_client(const Arguments& arguments) {
  tune_allocator();
  Client client({.endpoint = arguments.front()});
  Backlog backlog(client);
  OpenJobs jobs(client);
  obey({{"ready", true}}, [&](const std::string& verb, std::istringstream& rest) -> Json {
    if (verb == "workers") return client.query("workers").size();
    if (verb == "tail") return tail(client, rest);
    if (verb == "end") return jobs.end();
    if (verb == "run") return backlog.run(fraction_in(rest));
    if (verb == "flow" || verb == "paced") {
      const double seconds = fraction_in(rest);
      if (verb == "flow") {
        const std::uint64_t bytes = number_in(rest);
        return flow(client, seconds, bytes, number_in(rest));
      }
      const double rate = fraction_in(rest);
      return paced(client, seconds, rate, number_in(rest));
    }
    const std::uint64_t count = number_in(rest);
    const std::uint64_t second = number_in(rest);
    if (verb == "ping") return ping(client, count, second);
    if (verb == "fill") return backlog.fill(count, second);
    if (verb == "open") return jobs.open(count, second);
    if (verb == "pass-by") return jobs.pass_by(count, second);
    return jobs.flow(count, second);
  });
}

}  // namespace stint::bench
