#include "tests/sim/checker.hpp"

#include <algorithm>
#include <charconv>

#include "common/model/limits.hpp"
#include "tests/sim/trace.hpp"

namespace stint::sim {
namespace {

std::uint64_t print_of(const OutcomeCursor& at, const JobResults& results) {
  const NotDone* failure = at.not_done();
  std::uint64_t print = std::hash<std::string_view>()(at.result()) ^ (std::hash<std::string_view>()(at.error()) * 3);
  print ^= std::hash<std::string>()(results.worker) * 5 + results.attempt * 7;
  return failure == nullptr ? print : print ^ (static_cast<std::uint64_t>(failure->code) * 11);
}

Counts counts_of(const Row& fields) {
  Counts counts;
  counts.queued = fields.number("queued");
  counts.delayed = fields.number("delayed");
  counts.running = fields.number("running");
  counts.done = fields.number("done");
  counts.failed = fields.number("failed");
  counts.cancelled = fields.number("cancelled");
  return counts;
}

}  // namespace

// --- a job ---

void JobRecord::require(bool holds, const std::string& text) const {
  if (!holds) world_.fail("job '" + plan_.options.key + "': " + text);
}

std::string JobRecord::task(Index index) const { return "task " + std::to_string(index); }

void JobRecord::started(Index index, Attempt attempt, std::uint64_t epoch, const std::shared_ptr<WorkerRecord>& worker) {
  if (worker->is_stale()) return;
  Last& last = last_[index];
  const bool is_restarted = last.epoch != epoch;
  const bool explained = last.state == RunState::none || last.state == RunState::failed ||
                         last.state == RunState::stopped || (last.state == RunState::rejected && is_restarted) ||
                         last.worker->gone || last.worker->losses > last.losses || (is_restarted && checker_.is_given_up(*last.worker));
  require(explained, task(index) + " runs again, though nothing explains it");
  require(attempt > last.attempt || is_restarted,
          task(index) + " has attempt " + std::to_string(attempt) + " after " + std::to_string(last.attempt));
  const bool is_retry = last.state == RunState::failed && !last.worker->gone && last.worker->losses == last.losses;
  const Duration least = std::min(plan_.options.backoff_base, plan_.options.backoff_cap) / 2;
  require(!is_retry || world_.now() - last.since >= least, task(index) + " is tried again without a wait");
  last = {worker, worker->losses, attempt, epoch, RunState::running, world_.now()};
}

void JobRecord::finished(Index index, Attempt attempt, const std::shared_ptr<WorkerRecord>& worker, RunState how) {
  Last& last = last_[index];
  if (how == RunState::failed) ++failures_[index];
  if (last.worker != worker || last.attempt != attempt) return;
  last.state = how;
  last.since = world_.now();
}

void JobRecord::accepted(std::uint64_t next) {
  require(next <= plan_.tasks, "more tasks are accepted than were written");
  accepted_ = std::max(accepted_, next);
}

void JobRecord::check_outcome(unsigned era, const OutcomeCursor& at, std::uint64_t most) const {
  const Index index = at.index();
  require(index < plan_.tasks, task(index) + " was never written");
  const Behaviour behaviour = plan_.behaviour(world_.options, index);
  const std::string payload = plan_.payload(world_.options, era, index);
  const NotDone* failure = at.not_done();
  if (failure == nullptr) {
    require(plan_.options.results != ResultsPolicy::discard, "the result of " + task(index) + " was not discarded");
    require(at.result() == result_of(payload, most), "the result of " + task(index) + " belongs to something else");
    const bool can_succeed =
        behaviour == Behaviour::quick || behaviour == Behaviour::slow || behaviour == Behaviour::flaky;
    require(can_succeed, task(index) + " is done, though its handler cannot succeed");
    return;
  }
  const std::string text =
      task(index) + " has failed: " + std::string(to_string(failure->code)) + ": " + std::string(at.error());
  const bool innocent = world_.options.innocent_workers();
  switch (failure->code) {
    case stint::Failure::failed:
      require(behaviour == Behaviour::flaky || behaviour == Behaviour::failing, text);
      require(at.error() == error_of(payload), text + ", which belongs to something else");
      check_budget(index, text);
      break;
    case stint::Failure::rejected:
      require(behaviour == Behaviour::rejected && at.error() == error_of(payload), text);
      break;
    case stint::Failure::timed_out:
      require(plan_.options.time_limit > 0ms, text);
      require(behaviour == Behaviour::hanging || behaviour == Behaviour::stubborn || behaviour == Behaviour::slow ||
                  world_.options.task_time >= plan_.options.time_limit || !innocent,
              text);
      check_budget(index, text);
      break;
    case stint::Failure::lost:
      require(behaviour == Behaviour::killer || !innocent, text);
      break;
    default:
      require(false, text);
  }
}

void JobRecord::check_budget(Index index, const std::string& text) const {
  if (plan_.parent != nullptr) return;  // its runs are not recorded
  const auto known = failures_.find(index);
  const unsigned failures = known == failures_.end() ? 0 : known->second;
  require(failures >= plan_.options.max_attempts, text + ", after " + std::to_string(failures) + " failures only");
}

void JobRecord::result(unsigned era, const JobResults& results, std::uint64_t most) {
  for (OutcomeCursor at(results.outcomes); !at.done(); at.next()) {
    check_outcome(era, at, most);
    const End end{at.not_done() != nullptr, print_of(at, results)};
    const auto [known, is_new] = ends_.try_emplace(at.index(), end);
    require(is_new || known->second.print == end.print, task(at.index()) + " has ended twice, differently");
    if (is_new) ++(end.failed ? failed_ : done_);
  }
}

void JobRecord::ended(const JobStatus& status) {
  const Counts& counts = status.counts;
  require(counts.left() == 0, "it has ended with tasks left: " + described(counts));
  require(counts.cancelled == 0 || plan_.cancellable,
          "tasks were cancelled, though nobody asked for it: " + described(counts));
  require(counts.cancelled == 0 || plan_.cancelled || may_lack_its_writer(),
          "it was cancelled though its writer was there: " + described(counts));
  require(counts.total() >= accepted_, "accepted tasks are lost: " + described(counts));
  require(counts.total() <= plan_.tasks, "it has more tasks than were written: " + described(counts));
  require(plan_.cancellable || counts.total() == plan_.tasks, "tasks are missing: " + described(counts));
  require(!final_ || final_->counts == counts, "it has ended twice, with other counts");
  final_ = status;
}

void JobRecord::check_complete() const {
  require(final_.has_value(), "its end was not told");
  const Counts& counts = final_->counts;
  const bool discards = plan_.options.results == ResultsPolicy::discard;
  require(discards || done_ == counts.done,
          std::to_string(done_) + " results of done tasks were read: " + described(counts));
  require(failed_ == counts.failed,
          std::to_string(failed_) + " results of failed tasks were read: " + described(counts));
}

bool JobRecord::may_lack_its_writer() const { return checker_.client_ends() > 0 || !world_.options.innocent_clients(); }

std::vector<Index> JobRecord::failed() const {
  std::vector<Index> indices;
  for (const auto& [index, end] : ends_) {
    if (end.failed) indices.push_back(index);
  }
  std::sort(indices.begin(), indices.end());
  return indices;
}

// --- all of them ---

void Checker::broker_begins(StoreId store) {
  store_ = store;
  ++broker_starts_;
  broker_began_ = world_.now();
  for (const auto& each : workers_) {
    if (const auto worker = each.lock()) worker->drained = false;
  }
}

JobRecord& Checker::record(unsigned plan) { return record(plan, store_); }

JobRecord& Checker::record(unsigned plan, StoreId store) {
  auto& record = records_[{value(store), plan}];
  if (!record) record = std::make_unique<JobRecord>(world_, *this, *plans_.at(plan));
  return *record;
}

std::shared_ptr<WorkerRecord> Checker::worker_begins() {
  auto record = std::make_shared<WorkerRecord>();
  workers_.push_back(record);
  return record;
}

void Checker::welcomed(WorkerRecord& worker, const std::string& name) {
  worker.name = name;
  worker.welcomes = ++welcomes_;
}

// The one that was welcomed last under that name.
void Checker::worker_drained(const std::string& name) {
  std::shared_ptr<WorkerRecord> newest;
  for (const auto& each : workers_) {
    const auto worker = each.lock();
    if (worker && worker->name == name && (!newest || worker->welcomes > newest->welcomes)) newest = worker;
  }
  if (newest) newest->drained = true;
}

bool Checker::anybody_must_leave() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& each) {
    const auto worker = each.lock();
    return worker && worker->drained && !worker->gone;
  });
}

bool Checker::worker_lost(const std::string& name) {
  bool was_there = false;
  for (const auto& each : workers_) {
    const auto worker = each.lock();
    if (!worker || worker->name != name) continue;
    ++worker->losses;
    worker->drained = false;  // it comes back as a new one
    was_there = was_there || !worker->gone;
  }
  return was_there;
}

// What it had is said to be nobody's only where nobody claims it: another that had it before may do so.
bool Checker::is_given_up(const WorkerRecord& worker) const {
  return worker.welcomed != broker_starts_ && world_.now() >= broker_began_ + world_.options.heartbeat * limits::kLiveness;
}

void Checker::nobody_came_back() {
  for (const auto& each : workers_) {
    const auto worker = each.lock();
    if (worker && worker->welcomed != broker_starts_) ++worker->losses;
  }
}

// --- a watcher ---

void WatcherRecord::require(bool holds, const Event& event, const std::string& text) const {
  if (!holds) world_.fail(name_ + " saw " + described(event) + ": " + text);
}

void WatcherRecord::saw(const Event& event) {
  Topic& topic = topics_[event.topic];
  if (topic.store != event.store) topic = Topic{};
  topic.store = event.store;
  if (std::exchange(topic.epoch, event.epoch) != event.epoch) {  // numbers count anew; what was told before still holds
    topic.seq = 0;
    topic.any = topic.all = topic.gapless = false;
  }
  const bool is_state = event.event == "state" || event.event == "unknown";
  require(is_state ? event.seq >= topic.seq : event.seq > topic.seq || !topic.any, event,
          "#" + std::to_string(topic.seq) + " came before");
  require(is_state || may_miss_ || !topic.all || event.seq == topic.seq + 1, event,
          "#" + std::to_string(topic.seq + 1) + " is missing");
  topic.gapless = topic.gapless && event.seq <= topic.seq + (is_state ? 0 : 1);
  topic.all = topic.all || is_state;
  if (event.event == "unknown") {
    topic = Topic{};
    topic.store = event.store;
    return;
  }
  if (event.topic.starts_with("job.")) saw_job(event, topic);
  if (event.topic.starts_with("task.")) saw_steps(event, topic);
  topic.any = true;
  topic.seq = event.seq;
}

void WatcherRecord::saw_job(const Event& event, Topic& topic) {
  const Counts counts = counts_of(event.fields);
  const std::string& what = event.event;
  require(event.fields.number("total") == counts.total() && event.fields.number("left") == counts.left(), event,
          "its counts do not add up");
  require(counts.done >= topic.counts.done && counts.failed >= topic.counts.failed &&
              counts.cancelled >= topic.counts.cancelled && counts.total() >= topic.counts.total(),
          event, "its counts go back, from " + described(topic.counts));
  require(what != "opened" || (!topic.any && !topic.opened), event, "it is not the first");
  require(what != "started" || !topic.started, event, "it has started before");
  require(!topic.ended || (what == "state" && counts == topic.counts), event, "it has ended before");
  require(what != "ended" || counts.left() == 0, event, "something is left");
  require(what != "ended" || !topic.gapless || topic.started || counts.done + counts.failed == 0, event,
          "its start was not told");
  topic.opened = topic.opened || what == "opened";
  topic.gapless = topic.gapless || what == "opened";
  topic.started = topic.started || what == "started";
  topic.ended = what == "ended" || (what == "state" && (event.fields.text("state") == "ended" ||
                                                        (event.fields.text("state") == "cancelled" && topic.ended)));
  topic.over = topic.ended || (what == "state" && event.fields.text("state") == "cancelled");
  topic.counts = counts;
}

void WatcherRecord::check_ended(StoreId store, JobId job) const {
  const auto at = topics_.find("job." + std::to_string(value(job)) + ".");
  if (at == topics_.end() || at->second.store != store || may_miss_ || !at->second.all) return;
  if (!at->second.over) world_.fail(name_ + " was not told the end of job " + std::to_string(value(job)));
}

// A step names its tasks: 0-99,105
void WatcherRecord::saw_steps(const Event& event, Topic& topic) {
  if (event.event != "done" && event.event != "failed") return;
  std::string text = event.fields.text("tasks");
  if (text.ends_with(",...")) return;
  const char* at = text.data();
  const char* end = text.data() + text.size();
  while (at < end) {
    Index first = 0;
    at = std::from_chars(at, end, first).ptr;
    Index last = first;
    if (at < end && *at == '-') at = std::from_chars(at + 1, end, last).ptr;
    ++at;
    for (Index index = first; index <= last; ++index) {
      require(topic.ends.insert(index).second, event, "task " + std::to_string(index) + " has ended before");
    }
  }
}

}  // namespace stint::sim
