#include "tests/sim/scene.hpp"

#include <algorithm>

namespace stint::sim {
namespace {

constexpr Duration kFinaleTime = 1h;  // so long after the last fault everything must be done
constexpr Duration kCare = 300ms;     // the dead are found after so long

std::string kind_name(std::uint64_t number) { return "kind-" + std::to_string(number); }

}  // namespace

Scene::Scene(const Options& options, bool verbose)
    : world_(options, verbose), network_(world_), bus_(world_), checker_(world_, plans_), told_(world_) {
  for (unsigned i = 0; i < options.jobs; ++i) draw_desire(i % options.clients);
}

// --- what is to be done ---

std::shared_ptr<Desire> Scene::draw_desire(std::size_t client) {
  draw_plan(static_cast<unsigned>(plans_.size()));
  desires_.push_back(std::make_shared<Desire>(*plans_.back()));
  owners_.push_back(client);
  return desires_.back();
}

std::shared_ptr<Desire> Scene::desire_of_letters(std::size_t client, const Desire& parent, JobId id,
                                                 std::vector<Index> letters) {
  auto plan = std::make_unique<Plan>();
  plan->number = static_cast<unsigned>(plans_.size());
  plan->options = parent.plan.options;
  plan->options.key = "letters-of-" + std::to_string(parent.plan.number);  // for the reports; in truth it has none
  if (plan->options.results == ResultsPolicy::stream) plan->options.results = ResultsPolicy::keep;
  plan->parent = &parent.plan;
  plan->tasks = letters.size();
  plan->letters = std::move(letters);
  plans_.push_back(std::move(plan));
  auto desire = std::make_shared<Desire>(*plans_.back());
  desire->era = parent.era;
  desire->store = parent.store;
  desire->id = id;
  desire->written = true;
  desires_.push_back(desire);
  owners_.push_back(client);
  return desire;
}

// One of the last few: the others are done.
Plan& Scene::some_plan() {
  const std::uint64_t few = std::min<std::uint64_t>(plans_.size(), 2 * options().jobs);
  return *plans_[plans_.size() - 1 - world_.random.below(few)];
}

void Scene::draw_plan(unsigned number) {
  Random& random = world_.random;
  auto plan = std::make_unique<Plan>();
  plan->number = number;
  plan->salt = random.bits();
  plan->tasks = random.chance(0.05) ? 0 : random.magnitude(1, options().tasks);
  JobOptions& job = plan->options;
  job.kind = kind_name(random.below(options().kinds));
  job.name = random.chance(0.3) ? "the same name" : "name-" + std::to_string(number);
  job.key = "plan-" + std::to_string(number);
  job.priority = random.chance(0.3) ? static_cast<std::int32_t>(random.below(5)) - 2 : 0;
  job.max_attempts = static_cast<std::uint32_t>(random.between(1, 4));
  job.max_losses = static_cast<std::uint32_t>(random.between(1, 3));
  job.time_limit = std::chrono::milliseconds(random.chance(0.4) ? random.between(50, 5000) : 0);
  job.backoff_base = std::chrono::milliseconds(random.between(0, 500));
  job.backoff_cap = std::chrono::milliseconds(random.between(500, 3000));
  job.context = random.chance(0.3) ? std::string(random.below(100), 'c') : "";
  job.results = random.pick<ResultsPolicy>(
      {ResultsPolicy::stream, ResultsPolicy::stream, ResultsPolicy::keep, ResultsPolicy::discard});
  job.order = random.chance(0.3);
  job.on_writer_gone = random.chance(0.1) ? WriterGone::cancel : WriterGone::keep;
  plan->cancellable = job.on_writer_gone == WriterGone::cancel;
  job.max_failures = random.chance(0.2) ? random.between(1, 10) : 0;
  plan->leaves = random.chance(0.3);
  plan->retries = random.chance(0.5);
  plan->reads_twice = random.chance(0.5);
  plan->pace = random.chance(0.2) ? random.magnitude(1, 100) : 0;
  plan->appetite = random.chance(0.2) ? random.magnitude(1, 100) : 0;
  plan->reader_tasks = random.chance(0.2) ? random.magnitude(1, 200) : 0;
  plan->reader_bytes = random.chance(0.2) ? random.magnitude(1, 20'000) : 0;
  const auto happens = [&](double share) { return share > 0 && random.chance(share); };
  if (happens(options().long_jobs)) plan->tasks = options().tasks;
  if (happens(options().small_readers)) plan->reader_tasks = random.magnitude(1, 20);
  if (happens(options().eager)) job.backoff_base = 0ms;
  if (plan->tasks > 0 && random.chance(0.5)) {
    for (unsigned i = 0; i < options().killers; ++i) plan->killers.insert(random.below(plan->tasks));
  }
  plans_.push_back(std::move(plan));
}

// --- the run ---

void Scene::play() {
  begin();
  begin_faults();
  const TimePoint faults_end = World::kBeginning + options().fault_time;
  if (!world_.run_until(faults_end, [this] { return is_over(); })) {
    end_faults();
    if (!world_.run_until(faults_end + kFinaleTime, [this] { return is_over(); }))
      world_.fail("not done, for ever: " + unfinished());
  }
  check_watchers();
}

// What was said last is on its way to them still.
void Scene::check_watchers() {
  world_.run_until(world_.now() + 2 * options().latency, [] { return false; });
  for (const auto& desire : desires_) {
    if (desire->store == checker_.store() && desire->id != JobId{} && desire->satisfied && broker_->alive())
      bus_.check_ended(desire->store, desire->id);
  }
}

void Scene::begin() {
  start_broker();
  for (unsigned i = 0; i < options().watchers; ++i) {
    bus_.join(world_.random.pick<std::vector<std::string>>(
        {{"job."}, {""}, {"job.1.", "task.1."}, {"job.", "task."}, {"worker.", "broker."}}));
  }
  for (unsigned i = 0; i < options().workers; ++i) {
    workers_.emplace_back();
    start_worker(i);
  }
  for (unsigned i = 0; i < options().clients; ++i) {
    clients_.emplace_back();
    start_client(i);
  }
  look_after_workers();
  look_after_clients();
}

bool Scene::is_over() const {
  const auto waits = [](const auto& client) { return client->waits_for_answers(); };
  return std::all_of(desires_.begin(), desires_.end(), [](const auto& desire) { return desire->satisfied; }) &&
         std::none_of(clients_.begin(), clients_.end(), waits) && !checker_.anybody_must_leave() && broker_->nothing_is_held();
}

std::string Scene::unfinished() const {
  std::string text;
  for (const auto& desire : desires_) {
    if (!desire->satisfied)
      text += " '" + desire->plan.options.key + "' (job " + std::to_string(value(desire->id)) + ")";
  }
  for (const auto& client : clients_) {
    if (client->waits_for_answers()) text += " a command of " + client->name();
  }
  if (!broker_->nothing_is_held()) text += " a worker has tasks still";
  if (checker_.anybody_must_leave()) text += " a drained worker is there still";
  return text;
}

std::string Scene::summary() const {
  return std::to_string(world_.messages()) + " messages, " + std::to_string(worker_starts_) + " workers, " +
         std::to_string(std::chrono::duration<double>(world_.now() - World::kBeginning).count()) + " s, traffic " +
         std::to_string(world_.traffic());
}

// --- parties ---

void Scene::start_broker() {
  if (broker_) graveyard_.push_back(std::move(broker_));
  if (!options().durable || epoch_ == 0) {
    store_ = StoreId{world_.random.bits()};
    disk_ = broker::Disk();
    told_.forget();
    epoch_ = 0;
  }
  broker_ = std::make_unique<SimBroker>(world_, network_, bus_, checker_, store_, ++epoch_, disk_, told_,
                                        [this] { broker_is_gone(); });
  suspend(*broker_);
  const bool dies = epoch_ > 1 && !world_.faults_over() && world_.random.chance(options().crash_recovering);
  if (dies) broker_->crash_after(world_.random.below(10));
  bus_.broker_starts([broker = broker_.get()](const std::string& topic, bool on) { broker->subscribed(topic, on); });
}

// At once, or some steps later.
void Scene::crash_broker() {
  if (!broker_->alive()) return;
  if (world_.random.chance(options().crash_midway)) return broker_->crash_after(world_.random.below(50));
  broker_->crash();
}

void Scene::broker_is_gone() {
  bus_.broker_is_gone();
  world_.in(world_.random.duration(10ms, 3s), [this] { start_broker(); });
}

std::vector<std::string> Scene::some_kinds() {
  std::vector<std::string> kinds;
  for (unsigned i = 0; i < options().kinds; ++i) {
    if (finale_ || world_.random.chance(0.6)) kinds.push_back(kind_name(i));
  }
  if (kinds.empty()) kinds.push_back(kind_name(world_.random.below(options().kinds)));
  return kinds;
}

void Scene::start_worker(std::size_t place) {
  ++worker_starts_;
  if (workers_[place]) graveyard_.push_back(std::move(workers_[place]));
  const std::string name = world_.random.chance(0.9) ? "worker-" + std::to_string(place) : "";
  workers_[place] = std::make_unique<SimWorker>(world_, network_, checker_, name, some_kinds(),
                                                static_cast<unsigned>(world_.random.between(1, options().slots)));
  suspend(*workers_[place]);
}

// Each desire has its client; after a restart the same one.
void Scene::start_client(std::size_t place) {
  if (clients_[place]) graveyard_.push_back(std::move(clients_[place]));
  std::vector<std::shared_ptr<Desire>> own;
  for (std::size_t i = 0; i < desires_.size(); ++i) {
    if (owners_[i] == place) own.push_back(desires_[i]);
  }
  const auto idea = [this, place](const Desire* parent, JobId id,
                                  std::vector<Index> letters) -> std::shared_ptr<Desire> {
    if (parent != nullptr) return desire_of_letters(place, *parent, id, std::move(letters));
    return world_.faults_over() || plans_.size() >= options().plans ? nullptr : draw_desire(place);
  };
  clients_[place] =
      std::make_unique<SimClient>(world_, network_, checker_, "client-" + std::to_string(place), own, idea);
  suspend(*clients_[place]);
}

void Scene::look_after_workers() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (!workers_[i]->alive() && (finale_ || world_.random.chance(0.5))) start_worker(i);
  }
  world_.in(kCare, [this] { look_after_workers(); });
}

void Scene::look_after_clients() {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (!clients_[i]->alive() && (finale_ || world_.random.chance(0.3))) start_client(i);
  }
  world_.in(kCare, [this] { look_after_clients(); });
}

// --- what befalls them ---

void Scene::now_and_then(Duration every, std::function<void()> what) {
  if (every == Duration{}) return;
  world_.in(world_.random.duration(0ms, 2 * every), [this, every, what = std::move(what)] {
    if (world_.faults_over()) return;
    if (world_.now() > slept_until_ + options().heartbeat) what();
    now_and_then(every, what);
  });
}

void Scene::stall(Process& process) {
  if (process.alive() && !process.is_stalled())
    process.stall(
        world_.random.duration(1ms, world_.random.chance(0.3) ? 10 * options().heartbeat : 2 * options().heartbeat));
}

// All stand still, and go on nearly together. For nobody it is a silence; so they have to hear of each other before the next time.
void Scene::suspend_all() {
  const TimePoint latest = World::kBeginning + options().fault_time - options().heartbeat;
  if (world_.now() < slept_until_ + 4 * options().heartbeat || world_.now() >= latest) return;
  slept_until_ = std::min(latest, world_.now() + world_.random.duration(1ms, 10 * options().heartbeat));
  suspend(*broker_);
  for (const auto& worker : workers_) suspend(*worker);
  for (const auto& client : clients_) suspend(*client);
}

// Also who is started meanwhile.
void Scene::suspend(Process& process) {
  if (world_.now() < slept_until_) process.stall(slept_until_ - world_.now() + world_.random.duration(0ms, options().heartbeat / 10));
}

void Scene::begin_faults() {
  now_and_then(options().cut, [this] { network_.cut_one(); });
  now_and_then(options().worker_crash, [this] { some_worker().crash(); });
  now_and_then(options().worker_stall, [this] { stall(some_worker()); });
  now_and_then(options().worker_drain, [this] { some_worker().drain(); });
  now_and_then(options().worker_change, [this] {
    some_worker().offer(some_kinds(), static_cast<unsigned>(world_.random.between(1, options().slots)));
  });
  now_and_then(options().client_crash, [this] { some_client().crash(); });
  now_and_then(options().client_stall, [this] { stall(some_client()); });
  now_and_then(options().client_leave, [this] { some_client().leave(); });
  now_and_then(options().reader_stop, [this] { some_client().stop_reading(world_.random.duration(1ms, 5s)); });
  now_and_then(options().broker_stall, [this] { stall(*broker_); });
  now_and_then(options().sleep, [this] { suspend_all(); });
  now_and_then(options().broker_crash, [this] { crash_broker(); });
  now_and_then(options().disk_error, [this] { broker_->fail_disk(); });
  now_and_then(options().disk_full, [this] {
    if (broker_->alive()) broker_->fill_disk(world_.random.duration(10ms, 3s));
  });
  now_and_then(options().watcher_change, [this] { bus_.change_one(); });
  now_and_then(options().command, [this] { steer(); });
  now_and_then(options().cancel, [this] { cancel(); });
  now_and_then(options().drain, [this] { drain(); });
  now_and_then(options().theft, [this] {
    some_client().steal(desires_[desires_.size() - 1 -
                                 world_.random.below(std::min<std::uint64_t>(desires_.size(), 2 * options().jobs))]);
  });
}

void Scene::steer() {
  Command command;
  command.verb = world_.random.pick<std::string>({"pause", "resume", "resume", "priority"});
  command.selector = some_plan().options.key;
  command.priority = static_cast<std::int32_t>(world_.random.below(5)) - 2;
  some_client().command(command);
}

void Scene::cancel() {
  Plan& plan = some_plan();
  plan.cancellable = plan.cancelled = true;
  Command command;
  command.verb = "cancel";
  command.selector = plan.options.key;
  some_client().command(command);
}

void Scene::drain() {
  Command command;
  command.verb = "drain";
  command.count = world_.random.between(1, 2);
  if (world_.random.chance(0.5)) command.kind = kind_name(world_.random.below(options().kinds));
  if (world_.random.chance(0.5)) command.deadline_ms = static_cast<std::uint32_t>(world_.random.between(10, 3000));
  some_client().command(command);
}

// Everybody is there again, every kind is offered, and nobody stays paused.
void Scene::end_faults() {
  world_.say("no more faults");
  finale_ = true;
  for (const auto& worker : workers_) {
    if (worker->alive()) worker->offer(some_kinds());
  }
  const auto resume = [this](const auto& self) -> void {
    clients_.front()->resume_what_is_paused();
    world_.in(1s, [self] { self(self); });
  };
  resume(resume);
}

}  // namespace stint::sim
