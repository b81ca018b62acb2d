// Events: each one carries the complete counts, so that a missed one costs its watcher nothing.
#include <algorithm>

#include "broker/core/broker.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

Row with(Row row, const Row& more) {
  for (const auto& [name, value] : more.fields()) row.set(name, value);
  return row;
}

// Tasks for people: 0-99,105
std::string text_of(const Indices& indices) {
  RunBuilder runs;
  if (indices.is_run()) {
    return indices.count() == 1 ? std::to_string(indices.at(0))
                                : std::to_string(indices.at(0)) + "-" + std::to_string(indices.run().end() - 1);
  }
  for (const Index index : indices.table()) runs.add(index);
  std::string text;
  for (const Run& run : runs.take()) {
    if (text.size() > limits::kMaxTextBytes - 50) return text + ",...";
    text += (text.empty() ? "" : ",") + std::to_string(run.first);
    if (run.count > 1) text += "-" + std::to_string(run.end() - 1);
  }
  return text;
}

}  // namespace

void Broker::tell(const Job& job, std::string_view event) {
  const std::string topic = job_topic(job.id);
  if (!events_.wanted(topic)) return events_.pass_over(topic);
  events_.publish(*out_, topic, event, row_of(job));
}

void Broker::tell(const Worker& worker, std::string_view event, Row more) {
  events_.publish(*out_, worker_topic(worker.name), event, with(row_of(worker), more));
}

// Coalesced: what changed within the interval is told at its end, with the counts of then.
void Broker::tell_progress(Job& job) {
  if (!job.progress_due || job.told.ended) return;
  if (now_ < job.progress_at) {
    if (!job.progress_waits) timers_.remind(job.progress_at, TimerKind::progress, value(job.id));
    job.progress_waits = true;
    return;
  }
  job.progress_due = false;
  job.progress_waits = false;
  job.progress_at = now_ + options_.progress_interval;
  tell(job, "progress");
}

// Each step of the tasks: for those who subscribe to it, and free of cost while nobody does.
void Broker::tell_step(const Job& job, std::string_view event, const Indices& indices, std::string_view worker) {
  const std::string topic = step_topic(job.id);
  if (!events_.wanted(topic)) return;
  events_.publish(*out_, topic, event,
                  Row{{"job", value(job.id)}, {"tasks", text_of(indices)}, {"count", std::uint64_t{indices.count()}}, {"worker", std::string(worker)}});
}

void Broker::tell_outcomes(const Job& job, const JobResults& results) {
  if (!events_.wanted(step_topic(job.id))) return;
  std::vector<Index> done;
  std::vector<Index> failed;
  for (OutcomeCursor task(results.outcomes); !task.done(); task.next()) {
    (task.not_done() == nullptr ? done : failed).push_back(task.index());
  }
  std::sort(done.begin(), done.end());
  std::sort(failed.begin(), failed.end());
  if (!done.empty()) tell_step(job, "done", Indices(std::move(done)), results.worker);
  if (!failed.empty()) tell_step(job, "failed", Indices(std::move(failed)), results.worker);
}

// A watcher that came late is right at once: the present state, under the topic's last number. Once a turn for each topic, however
// many have come.
void Broker::tell_states() {
  if (states_due_.empty()) return;
  std::map<std::string, const Worker*> by_topic;
  for (const auto& [name, worker] : workers_) by_topic.emplace(worker_topic(name), worker);
  for (const std::string& topic : std::exchange(states_due_, {})) {
    if (topic == kBrokerTopic) {
      events_.state(*out_, topic, "state", row_of_broker());
      continue;
    }
    const Job* job = find_job(job_of_topic(topic));
    const auto worker = by_topic.find(topic);
    if (job != nullptr) {
      if (job->told.opened) events_.state(*out_, topic, "state", row_of(*job));  // else that it was opened is told soon
    } else if (worker != by_topic.end()) {
      events_.state(*out_, topic, "state", row_of(*worker->second));
    } else {
      events_.state(*out_, topic, "unknown", {});
    }
  }
}

}  // namespace stint::broker
