#include "tests/sim/overheard.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>

#include "tests/sim/trace.hpp"

namespace stint::sim {
namespace {

constexpr std::uint64_t kNoLimit = 1ULL << 63;

}  // namespace

void Overheard::heard(PeerId from, const Envelope& envelope) {
  if (const auto* hello = std::get_if<Hello>(&envelope.message)) {
    peers_[from] = hello->incarnation;
    Hello& newest = greetings_[hello->incarnation];
    const bool was_in_session = in_session_.contains(hello->incarnation);  // else it may have slept behind its greeting
    world_.require(hello->hello_no <= newest.hello_no || !was_in_session || !is_steady(hello->role),
                   names_[hello->incarnation] + " gives the broker up, which never was silent");
    if (hello->hello_no > newest.hello_no) newest = *hello;
  } else if (std::holds_alternative<Bye>(envelope.message)) {
    writer_is_gone(names_[peers_[from]]);
  }
  if (envelope.session != SessionId{}) in_session_.insert(peers_[from]);
  if (const auto* results = std::get_if<LeaseResults>(&envelope.message)) check_dropped(envelope.session, *results);
  bounds_.heard(peers_[from], envelope);
  const auto* command = std::get_if<Command>(&envelope.message);
  if (command == nullptr) return;
  Asked& asked = commands_[{peers_[from], command->req}];
  const bool is_new = ++asked.times == 1;
  asked.command = *command;
  if (command->verb == "resume") {
    paused_.clear();
    pauses_.clear();
    told_.resumed();
  }
  const bool is_new_to_all = told_.asks_first(peers_[from], command->req);  // else it may be answered from before a restart
  if (is_new_to_all && command->verb == "pause") pauses_.insert({peers_[from], command->req});
  if (is_new && command->verb == "drain") may_drain_ += command->count;
}

void Overheard::answered(PeerId from, const Envelope& envelope) {
  std::uint32_t& newest = newest_[{from, envelope.session}];
  if (envelope.seq <= newest) return;  // doubled
  newest = envelope.seq;
  if (!std::holds_alternative<LeaseResults>(envelope.message)) return;
  answers_[from].push_back({envelope.session, envelope.seq, outcomes_stored_});
}

void Overheard::found(const broker::Found& found) {
  for (const broker::FoundJob& job : found.jobs) {
    jobs_.insert(job.job.job);
    received_[job.job.job] = job.received;
    ends_[job.job.job] = job.done + job.failed;
    handed_again_[job.job.job] = kNoLimit;  // workers may come back with what others have failed since
    bounds_.reserved(job.job.job, job.handed_upto);
  }
}

void Overheard::stored(const broker::Store& store) {
  world_.require(store.commit > stored_, "changes are stored out of order");
  stored_ = store.commit;
  if (const auto* tasks = std::get_if<broker::AppendTasks>(&store.change)) {
    world_.require(tasks->first == received_[tasks->job], "tasks are stored with a gap");
    received_[tasks->job] += tasks->tasks.count();
    tasks_[tasks->job].emplace_back(received_[tasks->job], store.commit);
  } else if (const auto* reserved = std::get_if<broker::ReserveTasks>(&store.change)) {
    reserved_[reserved->job].emplace_back(reserved->upto, store.commit);
  } else if (const auto* job = std::get_if<broker::PutJob>(&store.change)) {
    if (jobs_.insert(job->job).second) unopened_[job->job] = store.commit;
    if (job->options.key.empty()) {
      checker_.retried(job->job);
    } else {
      checker_.not_retried(job->job);
    }
    bounds_.opened(job->job, job->options, !job->paused && !job->cancelled && !job->ended);
    if (job->closed || job->cancelled || job->ended) bounds_.written(job->job);
    world_.require(!job->cancelled || writers_[job->job].empty() || world_.options.cancel != Duration{},
                   "job " + std::to_string(value(job->job)) + " is cancelled though its writer is there");
    Failures& failures = failures_[job->job];
    failures.most = job->options.max_failures;
    failures.paused = failures.paused || job->paused;
  } else if (const auto* outcomes = std::get_if<broker::AppendOutcomes>(&store.change)) {
    const Indices& indices = outcomes->ended;
    auto& waiting = outcomes_[outcomes->job];
    Failures& failures = failures_[outcomes->job];
    failures.known += outcomes->failed;
    for (std::uint32_t i = 0; i < indices.count(); ++i) waiting[indices.at(i)] = store.commit;
    outcomes_stored_ = store.commit;
  } else if (std::holds_alternative<broker::CountFailures>(store.change)) {
    outcomes_stored_ = store.commit;
  }
}

void Overheard::committed(CommitId upto) {
  committed_ = upto;
  std::erase_if(unopened_, [&](const auto& job) { return job.second <= upto; });
  for (auto& [job, waiting] : tasks_) {
    while (!waiting.empty() && waiting.front().second <= upto) {
      bounds_.committed(job, waiting.front().first);
      waiting.pop_front();
    }
  }
  for (auto& [job, waiting] : reserved_) {
    for (; !waiting.empty() && waiting.front().second <= upto; waiting.pop_front()) bounds_.reserved(job, waiting.front().first);
  }
  for (auto& [job, waiting] : outcomes_) {
    ends_[job] += std::erase_if(waiting, [&](const auto& outcome) { return outcome.second <= upto; });
  }
}

void Overheard::said(PeerId to, const Envelope& envelope) {
  bounds_.said(peers_[to], envelope);
  const auto fail = [&](const std::string& text) {
    world_.fail("the broker says " + described(envelope) + ": " + text);
  };
  check_opened(envelope.message);
  if (const auto* welcome = std::get_if<Welcome>(&envelope.message)) {
    names_[peers_[to]] = welcome->name;
    check_kept(peers_[to], *welcome);
    const bool is_of_this_store = greetings_[peers_[to]].store == welcome->store;  // else its numbers are given to other leases
    if (is_of_this_store) dropped_[envelope.session] = welcome->drop;
  }
  if (const auto* opened = std::get_if<Opened>(&envelope.message)) {
    check_positions(opened->job, opened->next);
    told_.accepted(opened->job, opened->next, opened->digest);
    const bool may_write = !opened->closed && opened->state != JobState::cancelled;
    writers_[opened->job] = may_write ? names_[peers_[to]] : "";
  } else if (const auto* accepted = std::get_if<Accepted>(&envelope.message)) {
    check_positions(accepted->job, accepted->next);
    told_.accepted(accepted->job, accepted->next, accepted->digest);
  } else if (const auto* tasks = std::get_if<Tasks>(&envelope.message)) {
    check_positions(tasks->job, tasks->indices.at(tasks->indices.count() - 1) + 1);
    if (tasks->attempt > 1) handed_again_[tasks->job] += tasks->indices.count();
    if (paused_.contains(tasks->job)) fail("the job is paused");
    const Failures& failures = failures_[tasks->job];
    if (failures.most > 0 && failures.known > failures.most && !failures.paused)
      fail("too many of the job's tasks have failed");
  } else if (const auto* results = std::get_if<JobResults>(&envelope.message)) {
    const auto& waiting = outcomes_[results->job];
    for (std::uint32_t i = 0; !waiting.empty() && i < results->outcomes.count(); ++i) {
      if (waiting.contains(results->outcomes.indices.at(i))) fail("it is not committed");
    }
  } else if (const auto* acknowledged = std::get_if<ResultsAck>(&envelope.message)) {
    check_acknowledged(to, envelope, acknowledged->upto);
  } else if (const auto* heartbeat = std::get_if<Heartbeat>(&envelope.message)) {
    check_acknowledged(to, envelope, heartbeat->upto);
  } else if (const auto* error = std::get_if<Error>(&envelope.message)) {
    check_error(to, *error);
  } else if (const auto* done = std::get_if<Done>(&envelope.message)) {
    check_answer(to, done->req);
    const std::pair request(peers_[to], done->req);
    if (pauses_.erase(request) == 0) return;
    for (const std::string& id : done->affected) {
      std::uint64_t job = 0;
      std::from_chars(id.data(), id.data() + id.size(), job);
      paused_.insert(JobId{job});
      told_.paused(JobId{job});
    }
  }
}

// Whoever has seen the event with the number of a state has missed none of what is told by an event of its own.
void Overheard::published(const Event& event) {
  if (event.event == "beat") bounds_.beat(event.fields.number("backlog_bytes"));
  if (!event.topic.starts_with("job.") || event.event == "unknown") return;
  told_.counted(event.fields);
  check_row(event.fields);
  if (event.event == "ended" && event.fields.number("cancelled") == 0)
    world_.require(event.fields.number("redone") <= handed_again_[JobId{event.fields.number("job")}],
                   described(event) + ": fewer tasks were handed out again than it says");
  const std::string state = event.fields.text("state");
  if (state == "cancelled") return;  // no event says so, nor that it is paused or ended at the same time
  const bool stands = state == "paused" || state == "ended";
  const Published now{event.seq, stands ? state : ""};
  const Published last = std::exchange(published_.try_emplace(event.topic, now).first->second, now);
  world_.require(event.event != "state" || last.seq != now.seq || last.stands == now.stands,
                 described(event) + ": #" + std::to_string(last.seq) + " told that it was " +
                     (last.stands.empty() ? "going on" : last.stands));
}

void Overheard::check_answer(PeerId to, RequestId request) {
  const auto asked = commands_.find({peers_[to], request});
  world_.require(asked != commands_.end(), "the broker answers what nobody asked");
  world_.require(++asked->second.answers <= asked->second.times, "the broker answers a command twice");
}

// An error may name any job.
void Overheard::check_opened(const Message& message) const {
  std::visit(
      [this](const auto& body) {
        if constexpr (requires { body.job; } && !std::is_same_v<decltype(body), const Error&>)
          world_.require(!unopened_.contains(body.job), "job " + std::to_string(value(body.job)) + " is told of before it is committed");
      },
      message);
  if (const auto* answer = std::get_if<stint::Answer>(&message)) {
    for (const Row& row : answer->rows) {
      if (row.find("job") != nullptr) check_row(row);
    }
  }
}

void Overheard::check_row(const Row& row) const {
  const JobId job{row.number("job")};
  const auto ends = ends_.find(job);
  const std::uint64_t committed = ends == ends_.end() ? 0 : ends->second;
  world_.require(!unopened_.contains(job), "job " + std::to_string(value(job)) + " is told of before it is committed");
  world_.require(row.number("done") + row.number("failed") <= committed,
                 "of job " + std::to_string(value(job)) + " ends are told before they are committed");
}

void Overheard::check_kept(Incarnation worker, const Welcome& welcome) const {
  const auto greeting = greetings_.find(worker);
  if (greeting == greetings_.end() || greeting->second.hello_no != welcome.hello_no) return;
  std::map<std::pair<JobId, Index>, LeaseId> youngest;
  const auto each_task = [&](const auto& use) {
    for (const HeldLease& held : greeting->second.held) {
      for (const Run& run : held.runs) {
        for (Index index = run.first; index < run.end(); ++index) use(held, index, youngest[{held.job, index}]);
      }
    }
  };
  each_task([](const HeldLease& held, Index, LeaseId& known) { known = std::max(known, held.lease); });
  each_task([&](const HeldLease& held, Index index, LeaseId known) {
    const bool dropped = std::any_of(welcome.drop.begin(), welcome.drop.end(), [&](const Drop& drop) {
      return drop.lease == held.lease &&
             std::any_of(drop.runs.begin(), drop.runs.end(), [&](const Run& run) { return run.contains(index); });
    });
    world_.require(dropped || held.lease == known,
                   "a worker came back with task " + std::to_string(index) + " of job " + std::to_string(value(held.job)) +
                       " in two leases, and keeps the older");
  });
}

void Overheard::check_dropped(SessionId session, const LeaseResults& results) const {
  const auto dropped = dropped_.find(session);
  if (dropped == dropped_.end()) return;
  for (const Drop& drop : dropped->second) {
    for (std::uint32_t i = 0; drop.lease == results.lease && i < results.outcomes.count(); ++i) {
      const Index index = results.outcomes.indices.at(i);
      const bool is_dropped = std::any_of(drop.runs.begin(), drop.runs.end(), [&](const Run& run) { return run.contains(index); });
      world_.require(!is_dropped, "a worker hands in task " + std::to_string(index) + ", which it was told to drop");
    }
  }
}

void Overheard::check_positions(JobId job, Index next) {
  const auto& waiting = tasks_[job];
  world_.require(next <= received_[job], "tasks are told of that were never stored");
  world_.require(waiting.empty() || next < waiting.front().first,
                 "tasks of job " + std::to_string(value(job)) + " are told of before they are committed");
}

void Overheard::check_acknowledged(PeerId to, const Envelope& envelope, std::uint32_t upto) {
  for (const Answer& answer : answers_[to]) {
    if (answer.session != envelope.session || answer.seq > upto) continue;
    world_.require(answer.rests_on <= committed_, "results are acknowledged before they are committed");
  }
  std::erase_if(answers_[to],
                [&](const Answer& answer) { return answer.session != envelope.session || answer.seq <= upto; });
}

// What our own clients and workers may be told is wrong.
void Overheard::check_error(PeerId to, const Error& error) {
  if (commands_.contains({peers_[to], error.req})) check_answer(to, error.req);
  switch (error.code) {
    case ErrorCode::unknown_job:
    case ErrorCode::unknown_worker:
    case ErrorCode::not_in_state:
    case ErrorCode::not_yours:
    case ErrorCode::displaced:
    case ErrorCode::closed:
      return;
    default:
      world_.fail("the broker finds fault: " + error.text);
  }
}

void Overheard::logged(const std::string& text) {
  constexpr std::string_view kUnclaimed = "nobody came back";
  if (text.starts_with(kUnclaimed)) checker_.nobody_came_back();
  constexpr std::string_view kLost = "lost ";
  constexpr std::string_view kDrained = " is drained";
  constexpr std::string_view kWorker = "worker ";
  if (text.starts_with(kWorker) && text.ends_with(kDrained)) {
    world_.require(++drained_ <= may_drain_, "more workers are drained than were asked for");
    checker_.worker_drained(text.substr(kWorker.size(), text.size() - kWorker.size() - kDrained.size()));
  }
  if (!text.starts_with(kLost)) return;
  const std::string name = text.substr(kLost.size(), text.find(": silent") - kLost.size());
  writer_is_gone(name);
  const bool was_there = checker_.worker_lost(name);
  for (const auto& [incarnation, of] : names_) {
    if (of == name) bounds_.lost(incarnation);
  }
  world_.require(!was_there || !world_.options.workers_are_heard(), "the broker gives up " + name + ", which never was silent");
}

// Such a peer is welcomed soon, and nothing that is said to it is late; nor is it asked to greet again, as where the disk is full.
bool Overheard::is_steady(Role role) const {
  const Options& options = world_.options;
  if (options.commit_delay > 20ms || options.disk_full != Duration{}) return false;
  return role == Role::client ? options.innocent_clients() : options.workers_are_heard() && options.broker_stall == Duration{};
}

void Overheard::writer_is_gone(const std::string& name) {
  std::erase_if(writers_, [&](const auto& writer) { return writer.second == name; });
}

}  // namespace stint::sim
