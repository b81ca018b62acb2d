#include "common/client/session.hpp"

#include <algorithm>
#include <utility>

#include "common/model/escape.hpp"
#include "common/model/require.hpp"

namespace stint::client {

std::string draw_key(std::uint64_t high, std::uint64_t low) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string key;
  for (const std::uint64_t half : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) key.push_back(digits[half >> shift & 15]);
  }
  return key;
}

Session::Session(Self self, TimePoint now) : self_(std::move(self)), broker_(self_.incarnation, self_.random, now) {}

// --- the conversation ---

void Session::step(TimePoint now, const Envelope& envelope, Outbox& out) {
  switch (broker_.receive(now, envelope)) {
    case News::welcomed:
      on_welcome(now, out);
      break;
    case News::message:
      dispatch(now, envelope, out);
      break;
    case News::lost:
    case News::nothing:
      break;
  }
  notice_loss(out);
}

void Session::drained(TimePoint now, Outbox& out) {
  broker_.drained(now);
  notice_loss(out);
}

void Session::tick(TimePoint now, Outbox& out) {
  switch (broker_.tick(now)) {
    case Duty::connect:
      out.add(Connect{});
      say_hello(now, out);
      break;
    case Duty::greet:
      say_hello(now, out);
      break;
    case Duty::repeat:
      out.add(Send{broker_.repeat(now)});
      break;
    case Duty::heartbeat:
      send(now, Heartbeat{}, out);
      break;
    case Duty::none:
      break;
  }
  send_due_acks(now, out);
  notice_loss(out);
}

void Session::say_hello(TimePoint now, Outbox& out) {
  Hello hello;
  hello.role = Role::client;
  hello.name = self_.name;
  out.add(Send{broker_.greet(now, std::move(hello))});
}

TimePoint Session::next_deadline() const {
  return in_session() ? std::min(broker_.next_deadline(), ack_due_) : broker_.next_deadline();
}

void Session::shut_down(TimePoint now, Outbox& out) {
  if (in_session()) {
    for (auto& [handle, job] : jobs_) job.reader.hurry(), send_ack(now, job, out);
    send(now, Bye{"the client ends", 0}, out);
  }
  broker_.farewell();
  was_in_session_ = false;
}

void Session::notice_loss(Outbox& out) {
  if (!std::exchange(was_in_session_, in_session()) || in_session()) return;
  opening_.clear();
  for (auto& [handle, job] : jobs_) job.writer.part();
  out.add(Parted{broker_.because()});
}

std::uint32_t Session::send(TimePoint now, Message message, Outbox& out) {
  Envelope envelope = broker_.wrap(now, std::move(message));
  const std::uint32_t number = envelope.seq;
  out.add(Send{std::move(envelope)});
  return number;
}

// --- after each greeting ---

void Session::on_welcome(TimePoint now, Outbox& out) {
  notice_loss(out);
  for (auto& [handle, job] : jobs_) job.writer.part();
  was_in_session_ = true;
  out.add(Greeted{});
  if (broker_.store_changed()) drop_what_the_store_lost(out);
  for (auto& [handle, job] : jobs_) make_good(now, job, out);
  for (const auto& [request, command] : commands_) send(now, command, out);
  if (!questions_.empty()) ask_next(now, out);
}

void Session::drop_what_the_store_lost(Outbox& out) {
  const Problem gone{Problem::Kind::gone, Problem::Scope::all, ErrorCode::unknown_job,
                     "the broker came back without its memory (it runs without --data, or its data was replaced)"};
  for (auto& [handle, job] : jobs_) {
    if (job.id == JobId{} || job.dead) continue;
    Problem problem = gone;
    problem.text = "job " + std::to_string(value(job.id)) + " is gone: " + gone.text + ". Submit it again";
    fail(job, problem, out);
  }
  for (const auto& [request, command] : std::exchange(commands_, {})) {
    Problem problem = gone;
    problem.text = "whether '" + command.verb + "' was done is unknown: " + gone.text + ". Look, and repeat it";
    out.add(Replied{request, std::move(problem)});
  }
  for (Question& question : questions_) question.rows.clear(), question.query.cursor = 0;
}

// A job that is wholly accepted and closed is opened again by its number only: the broker may have ended and forgotten it,
// and the same key would begin another. If a copy of the broker's data has taken its place, it has lost tasks.
void Session::make_good(TimePoint now, Job& job, Outbox& out) {
  if (job.dead) return;
  job.attach_seq = 0;
  job.sent_from = 0;
  job.taken_back = false;
  if (job.writing) send_open(now, job, out);
  if (job.id != JobId{} && job.reader.active() && !job.reader.settled()) send_attach(now, job, out);
}

// --- from the user ---

void Session::open(TimePoint now, Handle handle, JobOptions options, Outbox& out) {
  STINT_REQUIRE(!options.key.empty() && !jobs_.contains(handle));
  const bool twice = std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& entry) {
    return entry.second.writing && !entry.second.forgotten && entry.second.options->key == options.key;
  });
  Job& job = jobs_[handle];
  job.handle = handle;
  if (twice) {
    return fail(job,
                {Problem::Kind::refused, Problem::Scope::all, ErrorCode::not_yours,
                 "this client has the job '" + escaped(options.key) + "' open already. Use the handle that it has"},
                out);
  }
  job.options = std::move(options);
  job.open_request = RequestId{++last_request_};
  job.writing = true;
  if (in_session()) send_open(now, job, out);
}

void Session::attach(Handle handle, JobId id) {
  STINT_REQUIRE(!jobs_.contains(handle));
  Job& job = jobs_[handle];
  job.handle = handle;
  job.id = id;
  by_id_[value(id)] = handle;
}

void Session::submit(TimePoint now, Handle handle, Batch tasks, Outbox& out) {
  Job* job = find(handle);
  if (job == nullptr || !job->writing) return;
  check_writer(now, *job, job->writer.add(std::move(tasks)), out);
}

void Session::hurry(Handle handle) {
  if (Job* job = find(handle)) job->writer.hurry();
}

void Session::ask(TimePoint now, Handle handle, Outbox& out) {
  Job* job = find(handle);
  if (job == nullptr || !in_session() || !job->writing || job->id == JobId{}) return;
  if (std::optional<Submit> question = job->writer.next_question(job->id)) send(now, std::move(*question), out);
}

void Session::close(TimePoint now, Handle handle, Outbox& out) {
  Job* job = find(handle);
  if (job == nullptr || !job->writing) return;
  check_writer(now, *job, job->writer.close(), out);
}

void Session::read(TimePoint now, Handle handle, const Reading& reading, Outbox& out) {
  Job* job = find(handle);
  if (job == nullptr || job->dead) return;
  Reading asked = reading;
  if (job->options) asked.order = asked.order || job->options->order;
  if (job->reader.start(asked, readings_++) && in_session() && job->id != JobId{}) send_attach(now, *job, out);
}

void Session::consumed(TimePoint now, Handle handle, std::uint64_t upto, Outbox& out) {
  Job* job = find(handle);
  if (job == nullptr || !job->reader.active()) return;
  job->reader.consumed(now, upto);
  if (in_session()) send_ack(now, *job, out);
  ack_due_ = std::min(ack_due_, job->reader.ack_due());
}

void Session::detach(TimePoint now, Handle handle, Outbox& out) {
  if (Job* job = find(handle)) stop_reading(now, *job, out);
}

void Session::forget(TimePoint now, Handle handle, Outbox& out) {
  Job* job = find(handle);
  if (job == nullptr) return;
  stop_reading(now, *job, out);
  job->forgotten = true;
  job->writer.hurry();
  remove_if_done(handle);
}

RequestId Session::command(TimePoint now, Command command, Outbox& out) {
  command.req = RequestId{++last_request_};
  if (in_session()) send(now, command, out);
  return commands_.emplace(command.req, command).first->first;
}

RequestId Session::query(TimePoint now, Query query, Outbox& out) {
  query.req = RequestId{++last_request_};
  questions_.push_back({query.req, query, {}});
  if (questions_.size() == 1 && in_session()) ask_next(now, out);
  return query.req;
}

void Session::ask_next(TimePoint now, Outbox& out) { send(now, questions_.front().query, out); }

// --- to the broker ---

void Session::send_open(TimePoint now, Job& job, Outbox& out) {
  opening_[job.open_request] = job.handle;
  send(now, Open{job.open_request, *job.options, job.writer.is_whole() ? job.id : JobId{}}, out);
}

void Session::send_tasks(TimePoint now, Job& job, Outbox& out) {
  if (!in_session() || !job.writing || job.id == JobId{}) return;
  while (std::optional<Submit> submit = job.writer.next_submit(job.id)) send(now, std::move(*submit), out);
  if (std::optional<Close> close = job.writer.next_close(job.id)) send(now, *close, out);
}

void Session::send_attach(TimePoint now, Job& job, Outbox& out) {
  job.attach_seq = send(now, job.reader.attach(job.id), out);
}

void Session::send_ack(TimePoint now, Job& job, Outbox& out) {
  if (std::optional<Ack> ack = job.reader.next_ack(now, job.id)) send(now, *ack, out);
}

void Session::send_due_acks(TimePoint now, Outbox& out) {
  if (!in_session() || now < ack_due_) return;
  ack_due_ = TimePoint::max();
  for (auto& [handle, job] : jobs_) {
    if (!job.reader.active()) continue;
    send_ack(now, job, out);
    ack_due_ = std::min(ack_due_, job.reader.ack_due());
  }
}

void Session::stop_reading(TimePoint now, Job& job, Outbox& out) {
  if (!job.reader.active()) return;
  if (in_session() && job.id != JobId{}) {
    job.reader.hurry();
    send_ack(now, job, out);
    if (!job.reader.ended()) send(now, Detach{job.id}, out);
  }
  job.reader.stop();
}

// --- jobs ---

Appetite Session::appetite(Handle handle) const {
  const Job* job = find(handle);
  return job != nullptr && job->writing ? job->writer.appetite() : Appetite::none;
}

std::uint64_t Session::ack_at(Handle handle) const {
  const Job* job = find(handle);
  return job == nullptr ? 0 : job->reader.ack_at();
}

void Session::fail(Job& job, const Problem& problem, Outbox& out) {
  if (problem.scope != Problem::Scope::reading) job.writing = false;
  if (problem.scope != Problem::Scope::writing) job.reader.stop();
  if (problem.scope == Problem::Scope::all) job.dead = true;
  out.add(JobFailed{job.handle, problem});
}

void Session::tell_stalled(Job& job, const std::string& reason, Outbox& out) {
  if (!reason.empty() || job.stalled) out.add(JobStalled{job.handle, job.id, reason});
  job.stalled = !reason.empty();
}

void Session::remove_if_done(Handle handle) {
  const Job* job = find(handle);
  if (job == nullptr || !job->forgotten || (job->writing && !job->writer.settled())) return;
  const auto at = by_id_.find(value(job->id));
  if (at != by_id_.end() && at->second == handle) by_id_.erase(at);
  opening_.erase(job->open_request);
  jobs_.erase(handle);
}

Session::Job* Session::find(Handle handle) {
  const auto at = jobs_.find(handle);
  return at == jobs_.end() ? nullptr : &at->second;
}

const Session::Job* Session::find(Handle handle) const {
  const auto at = jobs_.find(handle);
  return at == jobs_.end() ? nullptr : &at->second;
}

Session::Job* Session::find(JobId id) {
  const auto at = by_id_.find(value(id));
  return at == by_id_.end() ? nullptr : find(at->second);
}

}  // namespace stint::client
