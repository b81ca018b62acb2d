// What the session wants and tells, and what the user makes of it.
#include <algorithm>

#include "tests/sim/sim_client.hpp"

namespace stint::sim {

void SimClient::perform() {
  while (!out_.empty()) {
    for (client::Action& action : out_.take()) std::visit([this](auto& what) { act(what); }, action);
  }
}

// A reader may have less room than the library gives it.
void SimClient::act(const client::Send& send) {
  Envelope envelope = send.envelope;
  if (auto* attach = std::get_if<Attach>(&envelope.message)) {
    if (const Work* work = reader_of(attach->job)) {
      const Plan& plan = work->desire->plan;
      if (plan.reader_tasks > 0) attach->limit_tasks = attach->upto + plan.reader_tasks;
      if (plan.reader_bytes > 0) attach->limit_bytes = plan.reader_bytes;
    }
  } else if (auto* ack = std::get_if<Ack>(&envelope.message)) {
    const Work* work = reader_of(ack->job);
    world_.require(work == nullptr || ack->upto <= work->consumed,
                   name() + " acknowledges results up to " + std::to_string(ack->upto) + " and its user has not consumed them");
    if (work != nullptr && work->desire->plan.reader_tasks > 0)
      ack->limit_tasks = ack->upto + work->desire->plan.reader_tasks;
  }
  link_.send(envelope);
}

const SimClient::Work* SimClient::reader_of(JobId job) const {
  const StoreId store = session_.conversation().welcome().store;
  const auto at = std::find_if(works_.begin(), works_.end(), [&](const Work& work) {
    return work.reads && work.desire->id == job && work.desire->store == store;
  });
  return at == works_.end() ? nullptr : &*at;
}

void SimClient::act(const client::TurnedAway& away) { world_.fail(name() + " is turned away: " + away.text); }

void SimClient::act(const client::JobOpened& opened) {
  Work* work = find(opened.job);
  if (work == nullptr) return;
  Desire& desire = *work->desire;
  const StoreId store = session_.conversation().welcome().store;
  if (desire.store != store) {
    desire.store = store;
    desire.consumed = 0;
    desire.cut_short = desire.written = false;
  }
  desire.id = opened.id;
  world_.require(opened.resumed >= record(*work).accepted(),
                 "of job '" + desire.plan.options.key + "' " + std::to_string(record(*work).accepted()) +
                     " tasks were accepted, and only " + std::to_string(opened.resumed) + " are there");
}

void SimClient::act(const client::JobAccepted& accepted) {
  Work* work = find(accepted.job);
  if (work == nullptr) return;
  world_.require(accepted.next >= work->accepted, "acceptance goes back");
  work->accepted = accepted.next;
  record(*work).accepted(accepted.next);
  if (accepted.closed && work->closed && accepted.next == work->desire->plan.tasks) work->desire->written = true;
}

void SimClient::act(client::ResultsArrived& arrived) {
  Work* work = find(arrived.job);
  if (work == nullptr) return;
  check_arrival(*work, arrived.results);
  record(*work).result(work->desire->era, arrived.results, options().result);
  work->arrived.push_back(std::move(arrived.results));
}

// Without a gap behind what was consumed.
void SimClient::check_arrival(Work& work, const JobResults& results) {
  const std::string about = name() + ": job '" + work.desire->plan.options.key + "' ";
  const bool streams = work.desire->plan.options.results == ResultsPolicy::stream;
  const bool skips =
      work.ordered && (work.desire->plan.cancellable || work.desire->plan.options.results == ResultsPolicy::discard);
  for (std::uint32_t i = 0; i < results.outcomes.count(); ++i) {
    const std::uint64_t position = work.ordered ? results.outcomes.indices.at(i) : results.position + i;
    const std::uint64_t expected = work.expected.value_or(streams ? std::min(position, work.desire->consumed) : 0);
    world_.require(skips ? position >= expected : position == expected,
                   about + "result " + std::to_string(expected) + " is missing before " + std::to_string(position));
    work.expected = position + 1;
  }
}

void SimClient::act(const client::JobReported& reported) {
  Work* work = find(reported.job);
  if (work == nullptr || reported.status.state != JobState::ended) return;
  record(*work).ended(reported.status);
  work->end = reported.status;
}

void SimClient::act(const client::JobFailed& failed) {
  Work* work = find(failed.job);
  if (work == nullptr) return;
  Desire& desire = *work->desire;
  const client::Problem& problem = failed.problem;
  const std::string text = name() + ": " + problem.text;
  world_.say("  " + text);
  switch (problem.kind) {
    case client::Problem::Kind::gone:
      world_.require(options().broker_ends(), text);
      if (desire.plan.parent == nullptr && !work->stolen && desire.store != session_.conversation().welcome().store) {
        ++desire.era;
        desire.store = session_.conversation().welcome().store;
        desire.id = JobId{};
        desire.consumed = 0;
        desire.written = desire.cut_short = desire.ended = false;
        return begin_anew(*work);
      }
      desire.satisfied = desire.satisfied || desire.plan.parent != nullptr;
      work->stage = Stage::finished;
      return;
    case client::Problem::Kind::displaced:
      world_.require(options().theft != Duration{} || checker_.client_starts() > options().clients, text);
      work->reads = false;
      work->arrived.clear();
      work->in_first = 0;
      if (work->writes) return;  // and reads on when all is written
      if (!work->stolen) return begin_anew(*work);
      work->stage = Stage::finished;
      return;
    default:
      break;
  }
  const bool cancelled = problem.code == ErrorCode::closed && desire.plan.cancellable;
  world_.require(cancelled, text);
  desire.cut_short = true;
  work->closed = true;
}

void SimClient::act(const client::Replied& replied) {
  for (Work& work : works_) {
    if (work.stage == Stage::asking && work.question == replied.request) return found(work, replied);
  }
  if (pausing_.erase(replied.request) > 0) {
    const auto* rows = std::get_if<std::vector<Row>>(&replied.answer);
    world_.require(rows != nullptr, "jobs are not listed");
    for (const Row& row : *rows) {
      if (row.text("state") != "paused") continue;
      Command resume;
      resume.verb = "resume";
      resume.selector = std::to_string(row.number("job"));
      command(resume);
    }
    return;
  }
  const auto at = commands_.find(replied.request);
  if (at == commands_.end()) return;
  if (const auto* problem = std::get_if<client::Problem>(&replied.answer)) {
    const bool expected = problem->code == ErrorCode::unknown_job ||
                          (problem->code == ErrorCode::not_in_state && !retries_.contains(replied.request)) ||
                          problem->code == ErrorCode::unknown_worker || problem->kind == client::Problem::Kind::gone;
    world_.require(expected, name() + ": " + problem->text);
  } else if (const auto* done = std::get_if<Done>(&replied.answer)) {
    if (const auto parent = retries_.find(replied.request); parent != retries_.end())
      act_on_retry(*done, *parent->second);
    world_.require(at->second.verb != "drain" || at->second.count == 0 || done->affected.size() <= at->second.count,
                   "too many are drained");
  }
  commands_.erase(at);
}

void SimClient::found(Work& work, const client::Replied& replied) {
  work.question = {};
  work.ask_again = now() + 500ms;
  Desire& desire = *work.desire;
  const auto* rows = std::get_if<std::vector<Row>>(&replied.answer);
  if (rows != nullptr && rows->size() == 1 && desire.store == session_.conversation().welcome().store) {
    desire.id = JobId{rows->front().number("job")};
    return attach(work, desire.id);
  }
  world_.require(options().broker_ends(),
                 name() + ": job '" + desire.plan.options.key + "' is not known any more");
}

}  // namespace stint::sim
