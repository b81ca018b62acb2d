// What the session makes of each message from the broker, in the order of their numbers on the wire.
#include <utility>

#include "common/client/session.hpp"

#include "common/model/escape.hpp"

namespace stint::client {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

std::string text_of(const Error& error) {
  return error.text.empty() ? std::string(info(error.code).sentence) : error.text;
}

Problem::Kind kind_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::conflict:
      return Problem::Kind::conflict;
    case ErrorCode::displaced:
      return Problem::Kind::displaced;
    default:
      return Problem::Kind::refused;
  }
}

Problem problem_of(const Error& error, Problem::Scope scope, const std::string& about) {
  return {kind_of(error.code), scope, error.code, about + text_of(error)};
}

}  // namespace

void Session::dispatch(TimePoint now, const Envelope& envelope, Outbox& out) {
  std::visit(
      Overloaded{
          [&](const Error& error) { on_error(now, error, out); },
          [&](const Opened& opened) { on_opened(now, opened, out); },
          [&](const Accepted& accepted) { on_accepted(now, accepted, out); },
          [&](const JobResults& results) { on_results(results, out); },
          [&](const JobStatus& status) { on_status(now, status, out); }, [&](const Done& done) { on_done(done, out); },
          [&](const Answer& answer) { on_answer(now, answer, out); },
          [](const auto&) {},  // heartbeats, and what newer brokers may say
      },
      envelope.message);
}

// --- ERROR ---

void Session::on_error(TimePoint now, const Error& error, Outbox& out) {
  if (!in_session()) return out.add(TurnedAway{!error.retryable, error.code, text_of(error)});
  if (error.code == ErrorCode::shutting_down) return;  // its BYE follows, and after the next greeting all is said again
  if (error.req != RequestId{}) return on_request_error(now, error, out);
  if (Job* job = find(error.job)) on_job_error(now, *job, error, out);
}

void Session::on_request_error(TimePoint now, const Error& error, Outbox& out) {
  if (const auto at = opening_.find(error.req); at != opening_.end()) {
    Job* job = find(at->second);
    opening_.erase(at);
    if (job == nullptr) return;
    if (job->writer.is_whole()) return;  // it has ended and was forgotten, or others continue it
    if (error.code == ErrorCode::not_yours && !std::exchange(job->taken_back, true)) return send_open(now, *job, out);
    fail(*job, problem_of(error, Problem::Scope::all, "cannot open the job '" + escaped(job->options->key) + "': "),
         out);
    return remove_if_done(job->handle);
  }
  if (const auto at = commands_.find(error.req); at != commands_.end()) {
    const std::string wish = at->second.verb == "priority" ? "change the priority" : at->second.verb;
    out.add(Replied{error.req, problem_of(error, Problem::Scope::all, "cannot " + wish + ": ")});
    commands_.erase(at);
    return;
  }
  if (questions_.empty() || questions_.front().query.req != error.req) return;
  out.add(Replied{questions_.front().request, problem_of(error, Problem::Scope::all, "")});
  questions_.pop_front();
  if (!questions_.empty()) ask_next(now, out);
}

void Session::on_job_error(TimePoint now, Job& job, const Error& error, Outbox& out) {
  const std::string about = "job " + std::to_string(value(job.id)) + ": ";
  const bool is_displaced = error.code == ErrorCode::displaced;
  const bool about_attach = error.re_seq != 0 && error.re_seq == job.attach_seq;
  if (is_displaced || about_attach) {
    const bool is_over = is_displaced ? job.reader.exhausted() : job.reader.ended();
    if (job.reader.active() && !is_over) fail(job, problem_of(error, Problem::Scope::reading, about), out);
    return job.reader.stop();
  }
  if (!job.writing) return;
  if (error.code == ErrorCode::beyond_window || error.code == ErrorCode::gap) {
    if (error.re_seq < job.sent_from) return;  // it is about what was sent before going back
    job.sent_from = broker_.last_sent() + 1;
    job.writer.go_back(error.code == ErrorCode::beyond_window);
    return send_tasks(now, job, out);
  }
  if (error.code == ErrorCode::not_yours) {
    const bool is_old = error.re_seq != 0 && error.re_seq < job.sent_from;
    if (opening_.contains(job.open_request)) return;  // what became of that is said in its answer
    if (is_old || job.writer.is_whole()) return;
    // A late message of our own predecessor may have taken the job over: we take it back, once. A living one keeps it.
    if (!std::exchange(job.taken_back, true)) {
      job.sent_from = broker_.last_sent() + 1;
      job.writer.part();
      return send_open(now, job, out);
    }
  }
  const bool writing_only = error.code == ErrorCode::closed || error.code == ErrorCode::not_yours;
  fail(job, problem_of(error, writing_only ? Problem::Scope::writing : Problem::Scope::all, about), out);
  remove_if_done(job.handle);
}

// --- OPENED, ACCEPTED ---

void Session::on_opened(TimePoint now, const Opened& opened, Outbox& out) {
  const auto at = opening_.find(opened.req);
  if (at == opening_.end()) return;
  Job* job = find(at->second);
  opening_.erase(at);
  if (job == nullptr) return;
  if (job->id == JobId{}) {
    job->id = opened.job;
    by_id_[value(job->id)] = job->handle;
    out.add(JobOpened{job->handle, job->id, opened.next});
    if (job->reader.active()) send_attach(now, *job, out);
  }
  check_writer(now, *job, job->writer.opened(opened), out);
}

void Session::on_accepted(TimePoint now, const Accepted& accepted, Outbox& out) {
  Job* job = find(accepted.job);
  if (job == nullptr || !job->writing) return;
  tell_stalled(*job, accepted.reason, out);
  check_writer(now, *job, job->writer.accepted(accepted), out);
}

// After each change of a job's writer.
void Session::check_writer(TimePoint now, Job& job, const std::optional<Problem>& problem, Outbox& out) {
  if (problem) {
    Problem named = *problem;
    named.text = "job '" + escaped(job.options->key) + "': " + named.text;
    fail(job, named, out);
  } else {
    out.add(JobAccepted{job.handle, job.writer.accepted(), job.writer.closed_as_wanted()});
    send_tasks(now, job, out);
  }
  remove_if_done(job.handle);
}

// --- RESULTS, JOB ---

void Session::on_results(JobResults results, Outbox& out) {
  Job* job = find(results.job);
  if (job == nullptr || !job->reader.is_of(results.reading) || !job->reader.take(results)) return;
  job->writer.ended(results.position + results.outcomes.count());
  out.add(ResultsArrived{job->handle, std::move(results)});
}

void Session::on_status(TimePoint now, const JobStatus& status, Outbox& out) {
  Job* job = find(status.job);
  if (job == nullptr || !job->reader.is_of(status.reading)) return;
  if (status.reader != ReaderId{}) job->reader.attached(status.reader);
  if (status.state != JobState::ended) {
    tell_stalled(*job, status.reason, out);
    return out.add(JobReported{job->handle, status});
  }
  if (!job->reader.end()) return;
  out.add(JobReported{job->handle, status});
  job->reader.consumed(now, 0);
  send_ack(now, *job, out);
}

// --- DONE, ANSWER ---

void Session::on_done(const Done& done, Outbox& out) {
  if (commands_.erase(done.req) > 0) out.add(Replied{done.req, done});
}

void Session::on_answer(TimePoint now, const Answer& answer, Outbox& out) {
  if (questions_.empty() || questions_.front().query.req != answer.req) return;
  Question& question = questions_.front();
  question.rows.insert(question.rows.end(), answer.rows.begin(), answer.rows.end());
  if (answer.next != 0) {
    question.query.cursor = answer.next;
    question.query.req = RequestId{++last_request_};
    return ask_next(now, out);
  }
  out.add(Replied{question.request, std::move(question.rows)});
  questions_.pop_front();
  if (!questions_.empty()) ask_next(now, out);
}

}  // namespace stint::client
