// SUBMIT and CLOSE: tasks arrive, and no more will.
#include "broker/core/broker.hpp"
#include "common/model/limits.hpp"
#include "common/model/require.hpp"

namespace stint::broker {

void Broker::on_submit(Client& client, const Submit& submit) {
  Job* job = written_by(client, submit.job);
  if (job == nullptr) return;
  const Index received = job->tasks.received();
  const Index end = submit.first + submit.tasks.count();
  if (end <= received || job->ended) {  // known already: its sender wants to hear how far we are
    return when_committed(TasksAccepted{job->id, 0, 0, job->digest, submit.now || job->ended});
  }
  if (submit.first > received) {
    return reject(client, ErrorCode::gap,
                  "tasks " + std::to_string(received) + " to " + std::to_string(submit.first - 1) + " are missing: send from " + std::to_string(received),
                  received);
  }
  if (job->closed || job->cancelled) {
    return reject(client, ErrorCode::closed, "the job was closed with " + std::to_string(received) + " tasks", received);
  }
  if (!store_full_.empty()) {  // it greets anew, learns that it has to wait, and sends them again when there is room
    client.gate.break_off();
    return say_hello_again(client.address, "there is no room for new tasks");
  }
  const auto known = static_cast<std::uint32_t>(received - submit.first);
  const Batch tasks = known == 0 ? submit.tasks : submit.tasks.slice(known, submit.tasks.count() - known);
  if (!fits_window(*job, tasks)) {
    return reject(client, ErrorCode::beyond_window,
                  "the window ends at task " + std::to_string(job->window.limit_tasks) + " and at " +
                      std::to_string(job->window.limit_bytes) + " bytes: wait for ACCEPTED",
                  job->window.limit_tasks);
  }
  accept(*job, tasks, submit.now);
}

void Broker::accept(Job& job, Batch tasks, bool now) {
  job.digest.add_each(tasks);
  change(AppendTasks{job.id, job.tasks.received(), tasks, job.digest});
  backlog_bytes_ += tasks.blob.size();
  when_committed(TasksAccepted{job.id, tasks.count(), tasks.blob.size(), job.digest, now});
  job.tasks.append(tasks);
  reserve(job);
  move(job, std::nullopt, TaskState::queued, tasks.count());
}

// An empty window admits one message of any legal size.
bool Broker::fits_window(const Job& job, const Batch& tasks) const {
  const Index received = job.tasks.received();
  if (received == job.told.accepted && job.window.limit_tasks > received && tasks.count() == 1) return true;
  return received + tasks.count() <= job.window.limit_tasks && job.tasks.received_bytes() + tasks.blob.size() <= job.window.limit_bytes;
}

void Broker::on_close(Client& client, const Close& close_message) {
  Job* job = written_by(client, close_message.job);
  if (job == nullptr) return;
  const Index received = job->tasks.received();
  if (close_message.total > received) {
    if (job->closed || job->cancelled) {
      return reject(client, ErrorCode::closed, "the job was closed with " + std::to_string(received) + " tasks", received);
    }
    return reject(client, ErrorCode::gap, "tasks from " + std::to_string(received) + " on are missing", received);
  }
  if (close_message.total < received) {
    return reject(client, ErrorCode::bad_value, "the job has " + std::to_string(received) + " tasks already", received);
  }
  if (job->closed || job->cancelled) {
    when_committed(TasksAccepted{job->id, 0, 0, job->digest, true});
  } else {
    close(*job);
  }
}

Job* Broker::written_by(Client& client, JobId id) {
  Job* job = find_job(id);
  if (job == nullptr) {
    reject(client, ErrorCode::unknown_job, "there is no job " + std::to_string(value(id)));
  } else if (job->writer != client.incarnation) {
    reject(client, ErrorCode::not_yours, "another client writes to job " + std::to_string(value(id)) + ": open it by its key first");
    job = nullptr;
  }
  return job;
}

void Broker::apply(const TasksAccepted& accepted) {
  Job* job = find_job(accepted.job);
  if (job == nullptr) return;
  job->told.accepted += accepted.count;
  job->told.accepted_bytes += accepted.bytes;
  job->told.digest = accepted.digest;
  page_out(*job);
  stirred_jobs_.insert(job->id);
  // The one message that an empty window admits may lie beyond its bytes. Then nothing follows until there is room: see offer_window().
  const bool beyond = !job->closed && job->told.accepted_bytes > job->window.limit_bytes;
  if (beyond && accepted.count > 0) return;
  const bool half_used = job->told.accepted - job->window.next >= limits::kSubmitWindowTasks / 2 ||
                         job->told.accepted_bytes + limits::kSubmitWindowBytes / 2 >= job->window.limit_bytes;
  if (accepted.now || half_used) {
    job->accept_now = true;  // behind the tasks themselves, which somebody waits for more
    return;
  }
  if (!job->accept_due) timers_.remind(now_ + limits::kAcceptDelay, TimerKind::accept, value(job->id));
  job->accept_due = true;
}

}  // namespace stint::broker
