// COMMAND: people steer jobs and workers. Repeated under its number, a command is answered from memory and does nothing again.
#include <algorithm>
#include <charconv>

#include "broker/core/broker.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {

void Broker::on_command(Client& client, const Command& command) {
  const auto known = answers_.find({client.incarnation, command.req});
  if (known != answers_.end()) return when_committed(CommandDone{client.incarnation, known->second});
  Done done{command.req, {}};
  std::vector<DrainOrder> drained;
  const bool accepted = command.verb == "drain"   ? run_drain(client, command, done, drained)
                        : command.verb == "retry" ? run_retry(client, command, done)
                                                  : run_job_command(client, command, done);
  if (accepted) {
    remember(client.incarnation, done);
    change(PutAnswer{client.incarnation, done, drained});
    for (const DrainOrder& order : drained) when_committed(WorkerDrained{order.worker});
    when_committed(CommandDone{client.incarnation, std::move(done)});
  }
}

// At once, and not when the answer is told: a repetition may come in between.
void Broker::remember(Incarnation client, const Done& done) {
  answers_.emplace(std::pair(client, done.req), done);
  answered_.emplace_back(client, done.req);
  if (answered_.size() <= limits::kStoredAnswers) return;
  answers_.erase(answered_.front());
  answered_.pop_front();
}

// The jobs that a selector names: an id, else a key, else a name.
std::vector<Job*> Broker::select_jobs(std::string_view selector) const {
  std::uint64_t id = 0;
  const char* end = selector.data() + selector.size();
  if (const auto [at, error] = std::from_chars(selector.data(), end, id); error == std::errc() && at == end) {
    if (Job* job = find_job(JobId{id})) return {job};
  }
  if (const auto by_key = by_key_.find(std::string(selector)); by_key != by_key_.end()) return {by_key->second};
  std::vector<Job*> named;
  for (const auto& [job_id, job] : jobs_) {
    if (job->options.name == selector) named.push_back(job.get());
  }
  return named;
}

Job* Broker::select_job(Client& client, std::string_view selector) {
  const auto jobs = select_jobs(selector);
  if (jobs.size() == 1) return jobs.front();
  if (jobs.empty()) {
    reject(client, ErrorCode::unknown_job, "no job has the id, key or name '" + escaped(selector) + "': see stint jobs");
    return nullptr;
  }
  std::string ids;
  for (const Job* job : jobs) ids += (ids.empty() ? "" : ", ") + std::to_string(value(job->id));
  reject(client, ErrorCode::ambiguous, "several jobs have the name '" + escaped(selector) + "': choose one by its id: " + ids);
  return nullptr;
}

bool Broker::run_job_command(Client& client, const Command& command, Done& done) {
  Job* job = select_job(client, command.selector);
  if (job == nullptr) return false;
  const std::string id = std::to_string(value(job->id));
  const bool is_forget = command.verb == "forget";
  if (is_forget ? !job->told.ended : job->ended) {
    reject(client, ErrorCode::not_in_state,
           is_forget ? "job " + id + " has not ended: stint cancel " + id + " first" : "job " + id + " has ended");
    return false;
  }
  const bool was_paused = job->paused;
  if (is_forget) {
    forget(*job);
  } else if (command.verb == "pause") {
    pause(*job, "paused by " + escaped(client.name) + ": stint resume " + id);
    if (was_paused) return true;
  } else if (command.verb == "resume") {
    resume(*job);
    if (!was_paused) return true;
  } else if (command.verb == "close") {
    if (job->closed) return true;
    close(*job);
  } else if (command.verb == "cancel") {
    cancel(*job, "cancelled by " + escaped(client.name));
  } else if (command.verb == "priority") {
    job->priority = command.priority;
    put(*job);
    stirred_jobs_.insert(job->id);
  } else {
    reject(client, ErrorCode::bad_value,
           "no command is called '" + escaped(command.verb) + "': there are pause, resume, close, cancel, forget, priority, retry and drain");
    return false;
  }
  done.affected.push_back(id);
  return true;
}

// The failed tasks of an ended job become a job of their own: totals never fall, and ends stay ends.
bool Broker::run_retry(Client& client, const Command& command, Done& done) {
  const Job* parent = select_job(client, command.selector);
  if (parent == nullptr) return false;
  const std::string id = std::to_string(value(parent->id));
  if (!parent->told.ended || parent->dead_letters.empty()) {
    reject(client, ErrorCode::not_in_state,
           parent->told.ended ? "job " + id + " has no failed tasks to try again" : "job " + id + " has not ended: stint wait " + id + " first");
    return false;
  }
  JobOptions options = parent->options;
  options.key.clear();
  if (options.results == ResultsPolicy::stream) options.results = ResultsPolicy::keep;  // nobody reads it yet
  Job& job = make_job(JobId{++last_job_}, options);
  job.parent = parent->id;
  put(job);
  when_committed(JobOpened{job.id, {}, {}, true});
  BatchBuilder tasks;
  for (const auto& [index, payload] : parent->dead_letters) {
    if (!tasks.empty() && (tasks.bytes() + payload.size() > limits::kBatchBytes || tasks.count() == limits::kMaxBatchTasks)) {
      accept(job, tasks.take(), false);
    }
    tasks.add(payload.view());
  }
  accept(job, tasks.take(), false);
  close(job);
  done.affected.push_back(std::to_string(value(job.id)));
  return true;
}

// Chooses workers that are not draining yet: by name, else those that offer the kind (or all), the least busy first.
bool Broker::run_drain(Client& client, const Command& command, Done& done, std::vector<DrainOrder>& drained) {
  std::vector<Worker*> chosen;
  for (const std::string& name : command.names) {
    const auto at = workers_.find(name);
    if (at == workers_.end()) {
      reject(client, ErrorCode::unknown_worker, "no worker is called '" + escaped(name) + "': see stint workers");
      return false;
    }
    const bool is_new = !at->second->draining && std::find(chosen.begin(), chosen.end(), at->second) == chosen.end();
    if (is_new) chosen.push_back(at->second);
  }
  if (command.names.empty()) {
    if (!command.all && command.kind.empty() && command.count == 0) {
      reject(client, ErrorCode::bad_value, "say which workers to drain: names, a kind, a count, or all");
      return false;
    }
    for (const auto& [name, worker] : workers_) {
      const bool is_meant = command.kind.empty() || worker->offers(command.kind);
      if (is_meant && !worker->draining) chosen.push_back(worker);
    }
    std::stable_sort(chosen.begin(), chosen.end(), [](const Worker* a, const Worker* b) { return a->held < b->held; });
    if (command.count > 0 && chosen.size() > command.count) chosen.resize(command.count);
  }
  for (Worker* worker : chosen) {
    drain(*worker, command.deadline_ms);
    done.affected.push_back(worker->name);
    drained.push_back({worker->incarnation, command.deadline_ms});
  }
  return true;
}

// It stays with this incarnation until it leaves, also across a new greeting.
void Broker::drain(Worker& worker, std::uint32_t deadline_ms) {
  worker.draining = true;
  worker.drain_asked = true;
  worker.drain_deadline_ms = deadline_ms;
  if (worker.group != nullptr) scheduler_.leave(worker);
  stir_open_jobs();  // perhaps nobody else offers its kind
  stirred_workers_.insert(worker.incarnation);
  drain_orders_[worker.incarnation] = deadline_ms;
  out_->log(Level::info, "worker " + escaped(worker.name) + " is drained");
}

void Broker::apply(const WorkerDrained& drained) {
  Worker* worker = find_worker(drained.worker);
  if (worker == nullptr || !worker->drain_asked) return;
  worker->drain_told = true;
  say(*worker, Drain{worker->drain_deadline_ms});
  tell(*worker, "draining");
}

}  // namespace stint::broker
