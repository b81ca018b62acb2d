#include "tests/sim/sim_client.hpp"

#include <algorithm>

#include "common/model/limits.hpp"

namespace stint::sim {
namespace {

constexpr Duration kStroke = 10ms;  // a user with a pace looks so often

}  // namespace

SimClient::SimClient(World& world, Network& network, Checker& checker, std::string name,
                     std::vector<std::shared_ptr<Desire>> desires, Idea idea)
    : Process(world, name),
      checker_(checker),
      idea_(std::move(idea)),
      link_(network, world, *this),
      session_({std::move(name), Incarnation{world.random.bits()}, world.random.bits()}, world.now()) {
  checker.client_begins();
  for (const auto& desire : desires) {
    if (desire->satisfied) continue;
    Work work;
    work.desire = desire;
    works_.push_back(std::move(work));
  }
  wake();
}

void SimClient::crash() {
  if (!alive()) return;
  world_.say(name() + " dies");
  checker_.client_ends();
  die();
  link_.die();
}

void SimClient::leave() {
  if (!alive()) return;
  world_.say(name() + " leaves");
  checker_.client_ends();
  session_.shut_down(now(), out_);
  perform();
  die();
  link_.close();
}

void SimClient::command(Command command) {
  if (!alive()) return;
  const RequestId request = session_.command(now(), command, out_);
  commands_[request] = command;
  wake();
}

void SimClient::resume_what_is_paused() {
  if (!alive()) return;
  Query query;
  query.what = "jobs";
  query.limit = static_cast<std::uint32_t>(random().between(1, 5));
  pausing_.insert(session_.query(now(), query, out_));
  wake();
}

void SimClient::steal(const std::shared_ptr<Desire>& desire) {
  const bool streams = desire->plan.options.results == ResultsPolicy::stream;
  const bool has_it =
      std::any_of(works_.begin(), works_.end(), [&](const Work& work) { return work.desire == desire; });
  if (!alive() || has_it || !streams || desire->satisfied || desire->id == JobId{}) return;
  Work work;
  work.desire = desire;
  work.stolen = true;
  works_.push_back(std::move(work));
  wake();
}

// --- a turn, as that of common/client/shell.cpp ---

void SimClient::turn() {
  for (std::size_t i = 0; i < works_.size(); ++i) use(works_[i]);
  perform();
  for (std::size_t i = 0; i < limits::kClientTurnMessages; ++i) {
    const std::optional<Envelope> envelope = link_.receive();
    if (!envelope) {
      session_.drained(now(), out_);
      break;
    }
    session_.step(now(), *envelope, out_);
    perform();
    for (Work& work : works_) write(work);
  }
  perform();
  for (std::size_t i = 0; i < works_.size(); ++i) use(works_[i]);
  session_.tick(now(), out_);
  perform();
  if (leaves_) leave();
}

TimePoint SimClient::next_deadline() const {
  TimePoint deadline = session_.next_deadline();
  for (const Work& work : works_) {
    const bool paced =
        (work.stage == Stage::writing && work.desire->plan.pace > 0 && work.given < work.desire->plan.tasks) ||
        (!work.arrived.empty() && work.desire->plan.appetite > 0);
    if (paced) deadline = std::min(deadline, now() + kStroke);
    if (!work.arrived.empty() && reads_again_ > now()) deadline = std::min(deadline, reads_again_);
    if (work.stage == Stage::asking && work.question == RequestId{}) deadline = std::min(deadline, work.ask_again);
  }
  return deadline;
}

JobRecord& SimClient::record(const Work& work) { return checker_.record(work.desire->plan.number, work.desire->store); }

SimClient::Work* SimClient::find(client::Handle handle) {
  const auto at = std::find_if(works_.begin(), works_.end(), [&](const Work& work) {
    return work.handle == handle && work.stage != Stage::unopened;
  });
  return at == works_.end() ? nullptr : &*at;
}

// --- the user ---

void SimClient::use(Work& work) {
  if (work.stage == Stage::unopened && session_.in_session()) begin(work);
  if (work.stage == Stage::asking && work.question == RequestId{} && now() >= work.ask_again) begin(work);
  write(work);
  consume(work);
  look_whether_done(work);
}

void SimClient::begin(Work& work) {
  Desire& desire = *work.desire;
  if (desire.satisfied) {
    work.stage = Stage::finished;
    return;
  }
  const StoreId store = session_.conversation().welcome().store;
  const bool same_store = desire.store == store;
  if (work.stolen) {
    if (!same_store)
      work.stage = Stage::finished;
    else
      attach(work, desire.id);
    return;
  }
  if (desire.plan.parent != nullptr && !same_store) {  // it went with the store
    desire.satisfied = true;
    work.stage = Stage::finished;
    return;
  }
  if (!same_store) {  // what was there is gone, and so are its positions
    if (desire.written) ++desire.era;
    desire.store = store;
    desire.id = JobId{};
    desire.written = desire.cut_short = desire.ended = false;
    desire.consumed = 0;
  }
  if (!desire.written && !desire.cut_short) return open(work);
  const bool streams = desire.plan.options.results == ResultsPolicy::stream;
  if (streams && !desire.cut_short && random().chance(0.3)) return open(work);  // writes it all again
  Query query;
  query.what = "job";
  query.selector = desire.plan.parent == nullptr ? desire.plan.options.key : std::to_string(value(desire.id));
  work.stage = Stage::asking;
  work.question = session_.query(now(), query, out_);
}

void SimClient::open(Work& work) {
  const Plan& plan = work.desire->plan;
  work.handle = client::Handle{++last_handle_};
  work.stage = Stage::writing;
  work.writes = true;
  work.since = now();
  session_.open(now(), work.handle, plan.options, out_);
  if (plan.options.results != ResultsPolicy::stream) return;
  work.reads = true;
  work.ordered = plan.options.order;
  session_.read(now(), work.handle, client::Reading{true, work.ordered, 0}, out_);
}

void SimClient::attach(Work& work, JobId id) {
  const Plan& plan = work.desire->plan;
  work.handle = client::Handle{++last_handle_};
  work.stage = Stage::reading;
  work.reads = true;
  work.ordered = plan.options.order || (plan.options.results != ResultsPolicy::stream && random().chance(0.3));
  session_.attach(work.handle, id);
  const bool from_there =
      plan.options.results == ResultsPolicy::stream && !options().broker_ends() && random().chance(0.3);
  work.consumed = from_there ? work.desire->consumed : 0;
  session_.read(now(), work.handle, client::Reading{true, work.ordered, work.consumed}, out_);
}

std::uint64_t SimClient::ready(const Work& work) const {
  const Plan& plan = work.desire->plan;
  if (plan.pace == 0) return plan.tasks;
  return std::min(plan.tasks, static_cast<std::uint64_t>((now() - work.since) / kStroke + 1) * plan.pace);
}

void SimClient::write(Work& work) {
  if (work.stage != Stage::writing || work.closed) return;
  const Plan& plan = work.desire->plan;
  const std::uint64_t ready = this->ready(work);
  while (work.given < ready) {
    const client::Appetite appetite = session_.appetite(work.handle);
    constexpr std::uint64_t kFullBatch = 100;
    if (appetite == client::Appetite::none ||
        (appetite == client::Appetite::full_batch && ready - work.given < kFullBatch))
      return;
    const std::uint64_t count = std::min(
        ready - work.given, appetite == client::Appetite::full_batch ? kFullBatch : random().magnitude(1, 1000));
    BatchBuilder batch;
    for (std::uint64_t i = 0; i < count; ++i) batch.add(plan.payload(options(), work.desire->era, work.given++));
    session_.submit(now(), work.handle, batch.take(), out_);
    perform();
    if (work.stage != Stage::writing) return;
  }
  if (work.given < plan.tasks) return;
  work.closed = true;
  session_.close(now(), work.handle, out_);
}

void SimClient::consume(Work& work) {
  if (now() < reads_again_ || work.arrived.empty()) return;
  std::uint64_t hunger = work.desire->plan.appetite == 0 ? UINT64_MAX : work.desire->plan.appetite;
  while (hunger > 0 && !work.arrived.empty()) {
    const JobResults& results = work.arrived.front();
    const std::uint64_t bite = std::min<std::uint64_t>(hunger, results.outcomes.count() - work.in_first);
    work.in_first += bite;
    hunger -= bite;
    const auto last = static_cast<std::uint32_t>(work.in_first - 1);
    const std::uint64_t upto = (work.ordered ? results.outcomes.indices.at(last) : results.position + last) + 1;
    if (work.desire->store == checker_.store()) work.desire->consumed = std::max(work.desire->consumed, upto);
    work.consumed = upto;
    session_.consumed(now(), work.handle, upto, out_);
    if (work.in_first < results.outcomes.count()) break;
    work.arrived.pop_front();
    work.in_first = 0;
  }
}

void SimClient::look_whether_done(Work& work) {
  if (work.stage == Stage::finished || work.stage == Stage::unopened || !work.arrived.empty()) return;
  Desire& desire = *work.desire;
  if (work.end && work.reads) {
    record(work).check_complete();
    desire.ended = true;
    const bool again =
        desire.plan.reads_twice && desire.plan.options.results != ResultsPolicy::stream && ++desire.readings < 2;
    session_.forget(now(), work.handle, out_);
    work.stage = Stage::finished;
    if (!again) {
      desire.satisfied = true;
      world_.say(name() + " has all of job '" + desire.plan.options.key + "'");
      if (desire.plan.retries && work.end->counts.failed > 0) try_failures_again(work);
      return want(idea_(nullptr, JobId{}, {}));
    }
    begin_anew(work);
  } else if (work.writes && !work.reads && (desire.written || desire.cut_short)) {
    session_.forget(now(), work.handle, out_);
    begin_anew(work);  // reads it
    leaves_ = desire.plan.leaves && !std::exchange(desire.left, true);
  }
}

void SimClient::try_failures_again(Work& work) {
  Command retry;
  retry.verb = "retry";
  retry.selector = std::to_string(value(work.desire->id));
  const RequestId request = session_.command(now(), retry, out_);
  commands_[request] = retry;
  retries_[request] = work.desire;
}

void SimClient::act_on_retry(const Done& done, const Desire& parent) {
  world_.require(done.affected.size() == 1, "a retry makes one job");
  const JobId id{std::stoull(done.affected.front())};
  want(idea_(&parent, id, checker_.record(parent.plan.number, parent.store).failed()));
}

void SimClient::want(std::shared_ptr<Desire> desire) {
  if (desire == nullptr) return;
  Work work;
  work.desire = desire;
  works_.push_back(std::move(work));
}

// The same desire, from the start.
void SimClient::begin_anew(Work& work) {
  Work fresh;
  fresh.desire = work.desire;
  fresh.stolen = work.stolen;
  work = std::move(fresh);
}

}  // namespace stint::sim
