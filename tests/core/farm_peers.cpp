// The scripted worker and client.
#include <algorithm>

#include "common/model/limits.hpp"
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

Hello hello_of(Role role, std::string name, Incarnation incarnation) {
  Hello hello;
  hello.role = role;
  hello.name = std::move(name);
  hello.incarnation = incarnation;
  return hello;
}

std::uint32_t micros(Duration duration) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

std::vector<Run> runs_of(std::vector<Index> indices) {
  std::sort(indices.begin(), indices.end());
  RunBuilder runs;
  for (const Index index : indices) runs.add(index);
  return runs.take();
}

// Payloads that begin with "fail" fail.
void end(OutcomesBuilder& outcomes, const HeldTask& task, Duration took) {
  if (task.payload.starts_with("fail")) {
    outcomes.not_done(task.index, Failure::failed, {}, "no", micros(took));
  } else {
    outcomes.done(task.index, task.payload, micros(took));
  }
}

}  // namespace

// --- a worker
// ---------------------------------------------------------------------------------------------------------------

FarmWorker::FarmWorker(Farm& farm, WorkerSpec spec, Incarnation incarnation, PeerId address_)
    : FarmPeer(farm, hello_of(Role::worker, spec.name, incarnation), address_), spec_(std::move(spec)) {
  hello.kinds = spec_.kinds;
  hello.slots = spec_.slots;
}

bool FarmWorker::absorbs(const Message& message) {
  if (const auto* welcomed = std::get_if<Welcome>(&message)) {
    acked = 0;
    jobs.clear();
    for (const Drop& drop : welcomed->drop) {
      for (const Run& run : drop.runs) {
        std::erase_if(held, [&](const HeldTask& task) { return task.lease == drop.lease && run.contains(task.index); });
      }
    }
    return true;
  }
  if (const auto* info = std::get_if<JobInfo>(&message)) {
    if (info->gone) {
      CHECK_MESSAGE(jobs.erase(info->job) == 1, "a job that was never told of is gone");
    } else {
      CHECK_MESSAGE(jobs.emplace(info->job, *info).second, "a job is told of twice in a session");
    }
    return true;
  }
  if (const auto* tasks = std::get_if<Tasks>(&message)) {
    ++messages_of_tasks;
    REQUIRE_MESSAGE(jobs.contains(tasks->job), "TASKS of a job that was not told of");
    CHECK(std::find(hello.kinds.begin(), hello.kinds.end(), jobs.at(tasks->job).kind) != hello.kinds.end());
    for (BatchCursor task(tasks->tasks); !task.done(); task.next()) {
      held.push_back({tasks->lease, tasks->job, tasks->indices.at(task.position()), tasks->attempt, tasks->suspicion,
                      std::string(task.view())});
    }
    starts_what_fits();
    return true;
  }
  if (const auto* ack = std::get_if<ResultsAck>(&message)) {
    CHECK(ack->upto > acked);
    acked = ack->upto;
    return true;
  }
  return std::holds_alternative<Heartbeat>(message);
}

Heartbeat FarmWorker::heartbeat() const {
  return {static_cast<std::uint32_t>(running_.size()), static_cast<std::uint32_t>(held.size()), 0};
}

void FarmWorker::before_hello() {
  std::map<LeaseId, std::pair<JobId, std::vector<Index>>> leases;
  const auto name_one = [&](const HeldTask& task) {
    leases[task.lease].first = task.job;
    leases[task.lease].second.push_back(task.index);
  };
  for (const HeldTask& task : held) name_one(task);
  for (const Running& running : running_) name_one(running.task);
  hello.held.clear();
  for (auto& [lease, tasks] : leases) hello.held.push_back({lease, tasks.first, runs_of(std::move(tasks.second))});
}

const HeldTask* FarmWorker::find(Index index) const {
  const auto at = std::find_if(held.begin(), held.end(), [&](const HeldTask& task) { return task.index == index; });
  return at == held.end() ? nullptr : &*at;
}

const HeldTask& FarmWorker::task(Index index) const {
  const HeldTask* found = find(index);
  REQUIRE_MESSAGE(found != nullptr, name() << " does not hold task " << index);
  return *found;
}

std::vector<Index> FarmWorker::indices() const {
  std::vector<Index> all;
  for (const HeldTask& task : held) all.push_back(task.index);
  return all;
}

HeldTask FarmWorker::take(Index index) {
  HeldTask taken = task(index);
  std::erase_if(held, [&](const HeldTask& other) { return other.index == index && other.lease == taken.lease; });
  return taken;
}

void FarmWorker::finishes(std::vector<Index> indices, Duration each) {
  std::map<LeaseId, OutcomesBuilder> leases;
  for (const Index index : indices) {
    const HeldTask task = take(index);
    end(leases[task.lease], task, each);
    ++runs;
  }
  for (auto& [lease, outcomes] : leases) says(LeaseResults{lease, outcomes.take()});
}

void FarmWorker::finishes_all(Duration each) {
  std::map<LeaseId, OutcomesBuilder> leases;
  for (const HeldTask& task : std::exchange(held, {})) {
    end(leases[task.lease], task, each);
    ++runs;
  }
  for (auto& [lease, outcomes] : leases) says(LeaseResults{lease, outcomes.take()});
}

void FarmWorker::fails(Index index, Failure code) {
  const HeldTask task = take(index);
  OutcomesBuilder outcomes;
  outcomes.not_done(index, code, {}, "no", micros(1s));
  ++runs;
  says(LeaseResults{task.lease, outcomes.take()});
}

void FarmWorker::releases(std::vector<Index> indices) {
  std::map<LeaseId, std::vector<Index>> leases;
  for (const Index index : indices) leases[take(index).lease].push_back(index);
  for (auto& [lease, tasks] : leases) says(Release{lease, runs_of(std::move(tasks))});
}

void FarmWorker::releases_all() {
  std::map<LeaseId, std::vector<Index>> leases;
  for (const HeldTask& task : std::exchange(held, {})) leases[task.lease].push_back(task.index);
  for (auto& [lease, tasks] : leases) says(Release{lease, runs_of(std::move(tasks))});
}

void FarmWorker::forgets(Index index) { take(index); }

void FarmWorker::claims(LeaseId lease, Index index) {
  OutcomesBuilder outcomes;
  outcomes.done(index, "claimed", 1000);
  says(LeaseResults{lease, outcomes.take()});
}

void FarmWorker::changes(std::vector<std::string> kinds, std::uint32_t slots) {
  hello.kinds = kinds;
  hello.slots = slots;
  says(State{std::move(kinds), slots, false});
}

// One that works by itself: tasks in order, as many at once as it has slots. One that must not have others beside it
// waits for it.
void FarmWorker::starts_what_fits() {
  if (!spec_.pace || silent) return;
  while (running_.size() < spec_.slots && !held.empty()) {
    const HeldTask task = held.front();
    held.erase(held.begin());
    ++runs;
    const Duration takes = spec_.pace(task);
    if (takes < Duration::zero()) {  // it kills its worker
      running_.clear();
      held.clear();
      dies();
      return;
    }
    running_.push_back({task, farm_.now, farm_.now + takes});
  }
}

TimePoint FarmWorker::next_finish() const {
  TimePoint next = TimePoint::max();
  if (silent) return next;
  for (const Running& running : running_) next = std::min(next, running.until);
  return next;
}

void FarmWorker::works() {
  if (!spec_.pace || silent) return;
  std::map<LeaseId, OutcomesBuilder> leases;
  for (const Running& running : running_) {
    if (running.until <= farm_.now) end(leases[running.task.lease], running.task, running.until - running.began);
  }
  std::erase_if(running_, [&](const Running& running) { return running.until <= farm_.now; });
  for (auto& [lease, outcomes] : leases) says(LeaseResults{lease, outcomes.take()});
  starts_what_fits();
}

// --- a client
// ---------------------------------------------------------------------------------------------------------------

FarmClient::FarmClient(Farm& farm, std::string name, Incarnation incarnation, PeerId address_)
    : FarmPeer(farm, hello_of(Role::client, std::move(name), incarnation), address_) {}

bool FarmClient::absorbs(const Message& message) {
  if (const auto* open = std::get_if<Opened>(&message)) {
    just_opened_ = *open;
    opened[open->job] = *open;
    written[open->job] = open->next;
    accepted[open->job].limit_tasks = open->limit_tasks;
    return true;
  }
  if (const auto* accept = std::get_if<Accepted>(&message)) {
    CHECK(accept->next >= accepted[accept->job].next);
    CHECK(accept->limit_tasks >= accepted[accept->job].limit_tasks);
    accepted[accept->job] = *accept;
    ++acceptances;
    return true;
  }
  if (const auto* results = std::get_if<JobResults>(&message)) return read(*results), true;
  if (const auto* status = std::get_if<JobStatus>(&message)) {
    Reading& job = reading[status->job];
    CHECK_MESSAGE(!job.ended, "something follows behind the end");
    CHECK(status->reading == job.number);
    job.status = *status;
    ++job.statuses;
    job.ended = status->state == JobState::ended;
    return true;
  }
  return std::holds_alternative<Heartbeat>(message) || std::holds_alternative<Welcome>(message);
}

void FarmClient::read(const JobResults& results) {
  Reading& job = reading[results.job];
  CHECK_MESSAGE(!job.ended, "results follow behind the end");
  CHECK(results.reading == job.number);
  CHECK(results.position >= job.next);
  for (OutcomeCursor task(results.outcomes); !task.done(); task.next()) {
    const NotDone* failure = task.not_done();
    job.results.push_back({results.position + task.position(), task.index(), results.attempt, results.worker,
                           std::string(task.result()), std::string(task.error()),
                           failure == nullptr ? std::nullopt : std::optional(failure->code)});
  }
  job.next = results.position + results.outcomes.count();
  if (job.window > 0) acks(results.job, job.next, job.next + job.window);
}

std::vector<Index> Reading::indices() const {
  std::vector<Index> all;
  for (const ReadResult& result : results) all.push_back(result.index);
  return all;
}

JobId FarmClient::opens(JobOptions options) {
  if (options.key.empty()) options.key = name() + "-" + std::to_string(last_req + 1);
  just_opened_.reset();
  says(Open{RequestId{++last_req}, std::move(options)});
  return just_opened_ ? just_opened_->job : JobId{};
}

JobId FarmClient::runs(JobOptions options, std::vector<std::string> tasks) {
  const JobId job = opens(std::move(options));
  if (!tasks.empty()) writes(job, tasks);
  closes(job);
  return job;
}

void FarmClient::submits(JobId job, Index first, const std::vector<std::string>& tasks, bool now) {
  BatchBuilder batch;
  for (const std::string& task : tasks) batch.add(task);
  says(Submit{job, first, now, batch.take()});
}

void FarmClient::writes(JobId job, const std::vector<std::string>& tasks) {
  submits(job, written[job], tasks, true);
  written[job] += tasks.size();
}

void FarmClient::writes(JobId job, std::size_t count) {
  for (std::size_t done = 0; done < count;) {
    const std::size_t here = std::min<std::size_t>(1000, count - done);
    writes(job, numbered(here, written[job]));
    done += here;
  }
}

void FarmClient::closes(JobId job) { says(Close{job, written[job]}); }

void FarmClient::attaches(Attach attach) {
  if (attach.limit_tasks == 0) attach.limit_tasks = 1'000'000'000;
  if (attach.limit_bytes == 0) attach.limit_bytes = limits::kReaderWindowBytes;
  reading[attach.job].ended = false;
  reading[attach.job].next = attach.upto;
  attach.reading = ++reading[attach.job].number;
  says(attach);
}

void FarmClient::reads(JobId job, std::uint64_t window, bool order) {
  reading[job].window = window;
  Attach attach;
  attach.job = job;
  attach.order = order;
  attach.limit_tasks = window;
  attaches(attach);
}

void FarmClient::acks(JobId job, std::uint64_t upto, std::uint64_t limit) { says(Ack{job, upto, limit}); }

std::vector<std::string> FarmClient::commands(Command command) {
  if (command.req == RequestId{}) command.req = RequestId{++last_req};
  says(std::move(command));
  return has<Done>() ? takes<Done>().affected : std::vector<std::string>{};
}

std::vector<std::string> FarmClient::commands(const std::string& verb, JobId job) {
  Command command;
  command.verb = verb;
  command.selector = std::to_string(value(job));
  return commands(std::move(command));
}

std::vector<Row> FarmClient::asks(const std::string& what, const std::string& selector) {
  Query query;
  query.req = RequestId{++last_req};
  query.what = what;
  query.selector = selector;
  says(std::move(query));
  return has<Answer>() ? takes<Answer>().rows : std::vector<Row>{};
}

}  // namespace stint::broker
