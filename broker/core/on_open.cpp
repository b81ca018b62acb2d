// OPEN: a client opens a job, or goes on with the one that has its key.
#include "broker/core/broker.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

// What is wrong with a job's options; empty: nothing.
std::string complaint(const JobOptions& options) {
  if (options.kind.empty()) return "a job needs a kind: the kind of worker that can do its tasks";
  if (options.max_attempts == 0) return "max_attempts must be at least 1";
  if (options.max_losses == 0) return "max_losses must be at least 1";
  if (options.time_limit < 0ms || options.backoff_base < 0ms || options.backoff_cap < 0ms) return "times must not be negative";
  if (options.context.size() > limits::kMaxContextBytes) {
    return "the context has " + std::to_string(options.context.size()) + " bytes, the limit is " + std::to_string(limits::kMaxContextBytes);
  }
  return {};
}

}  // namespace

void Broker::on_open(Client& client, const Open& open) {
  if (shutting_down_) return reject(client, ErrorCode::shutting_down, "the broker is shutting down and opens no job");
  if (std::string wrong = complaint(open.options); !wrong.empty()) return reject(client, ErrorCode::bad_value, std::move(wrong));
  const auto known = open.options.key.empty() ? by_key_.end() : by_key_.find(open.options.key);
  if (open.job != JobId{} && (known == by_key_.end() || known->second->id != open.job)) {
    return reject(client, ErrorCode::unknown_job, "there is no job " + std::to_string(value(open.job)) + " of that key");
  }
  if (known != by_key_.end()) {
    Job& job = *known->second;
    if (job.options != open.options) {
      return reject(client, ErrorCode::conflict,
                    "key " + open.options.key + " belongs to job " + std::to_string(value(job.id)) +
                        ", which was opened with other options: repeat those, or choose another key");
    }
    take_over(client, job);
    return when_committed(JobOpened{job.id, client.incarnation, open.req, false});
  }
  if (jobs_.size() >= limits::kMaxJobs) {
    return reject(client, ErrorCode::limit, "the broker holds " + std::to_string(jobs_.size()) + " jobs: forget some", limits::kMaxJobs);
  }
  Job& job = make_job(JobId{++last_job_}, open.options);
  take_over(client, job);
  put(job);
  const std::string name = job.options.name.empty() ? "" : " (" + escaped(job.options.name) + ")";
  out_->log(Level::info, "job " + std::to_string(value(job.id)) + name + " opened: kind " + escaped(job.options.kind));
  when_committed(JobOpened{job.id, client.incarnation, open.req, true});
}

Job& Broker::make_job(JobId id, const JobOptions& options) {
  auto owned = std::make_unique<Job>();
  Job& job = *owned;
  job.id = id;
  job.options = options;
  job.priority = options.priority;
  scheduler_.enlist(job);
  job.in_store = options_.durable && !job.is_streaming();
  job.indexed = job.options.order && !job.in_store;
  jobs_.emplace(job.id, std::move(owned));
  if (!job.options.key.empty()) by_key_.emplace(job.options.key, &job);
  return job;
}

// The newest writer of a job is its only one. Who wrote to it before has to hear of it: he may be waiting for an ACCEPTED.
void Broker::take_over(Client& client, Job& job) {
  Client* before = find_client(job.writer);
  if (before != nullptr && before != &client && before->writes.erase(job.id) > 0) {
    say(*before, Error{0, ErrorCode::not_yours, false,
                       escaped(client.name) + " writes to job " + std::to_string(value(job.id)) + " from now on", 0, {}, job.id});
  }
  job.writer = client.incarnation;
  job.writer_present = true;
  client.writes.insert(job.id);
}

void Broker::apply(const JobOpened& opened) {
  Job* job = find_job(opened.job);
  if (job == nullptr) return;
  job->told.opened = true;
  if (opened.is_new) tell(*job, "opened");
  stirred_jobs_.insert(job->id);
  Client* client = find_client(opened.client);
  if (client == nullptr) return;
  if (job->writer != opened.client) {  // taken over before this was committed: an OPEN is always answered
    return say(*client, Error{0, ErrorCode::not_yours, false, "another client writes to job " + std::to_string(value(job->id)), 0,
                              opened.req, job->id});
  }
  if (!store_full_.empty()) job->window = {};  // whoever sends is sent away until there is room, so nothing stays promised
  set_window(*job, window_of(*job));
  say(*client, Opened{opened.req, job->id, job->told.accepted, job->told.accepted_bytes, job->window.limit_tasks, job->window.limit_bytes,
                      job->told_state(), job->told.closed || job->told.cancelled, job->told.digest.value()});
  if (!job->window.reason.empty()) tell_accepted(*job);  // why it has to wait
}

}  // namespace stint::broker
