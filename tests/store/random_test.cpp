// Random changes against the model, with the store closed and opened again at random points.
#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <random>
#include <utility>

#include "driver.hpp"
#include "model.hpp"

namespace stint::broker {
namespace {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : bits_(seed) {}
  std::uint64_t below(std::uint64_t end) { return std::uniform_int_distribution<std::uint64_t>(0, end - 1)(bits_); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  std::string bytes(std::uint64_t most) {
    std::string all(below(most + 1), '\0');
    for (char& byte : all) byte = static_cast<char>(below(256));
    return all;
  }

 private:
  std::mt19937_64 bits_;
};

// Draws changes that a core could have made.
class Story {
 public:
  explicit Story(std::uint64_t seed) : chance_(seed) {}

  Model& model() { return model_; }
  Chance& chance() { return chance_; }

  Change next() {
    Change change = draw();
    model_.apply(change);
    return change;
  }

  ModelJob* some_job() {
    if (model_.jobs().empty()) return nullptr;
    auto at = model_.jobs().begin();
    std::advance(at, chance_.below(model_.jobs().size()));
    return &at->second;
  }

 private:
  Change draw() {
    ModelJob* job = some_job();
    if (job == nullptr || (model_.jobs().size() < 6 && chance_.one_in(50))) return new_job();
    const JobId id = job->put.job;
    switch (chance_.below(36)) {
      case 0: return changed(*job);
      case 1: return ReserveTasks{id, job->tasks.size() + chance_.below(1000)};
      case 2: return answer();
      case 3: return chance_.one_in(20) ? Change(ForgetJob{id}) : changed(*job);
      case 4: case 5: return trim(*job);
      case 6: case 7: return drop(*job);
      case 8: return failures(*job);
      default: return chance_.one_in(2) ? append(*job) : outcomes(*job);
    }
  }

  Change new_job() {
    PutJob put = job_of(model_.last_job() + 1 + chance_.below(2));
    put.options.results = static_cast<ResultsPolicy>(chance_.below(3));
    put.options.order = chance_.one_in(2);
    put.options.context = chance_.bytes(100);
    put.options.time_limit = std::chrono::milliseconds(chance_.below(5000));
    put.parent = JobId{chance_.below(3)};
    return put;
  }

  Change changed(const ModelJob& job) {
    PutJob put = job.put;
    put.priority = static_cast<std::int32_t>(chance_.below(9)) - 4;
    put.paused = chance_.one_in(2);
    put.started = put.started || chance_.one_in(2);
    put.readers += chance_.below(2);
    put.reason = chance_.one_in(2) ? "paused by \"someone\"" : "";
    return put;
  }

  Change append(const ModelJob& job) {
    std::vector<std::string> payloads(1 + chance_.below(chance_.one_in(4) ? 300 : 3));
    const bool alike = chance_.one_in(2);
    const std::uint64_t most = chance_.one_in(50) ? 200'000 : 200;
    if (most > 200) payloads.resize(1);
    for (std::string& payload : payloads) payload = alike ? std::string(7, 'x') : chance_.bytes(most);
    Digest digest = job.digest;
    for (const std::string& payload : payloads) digest.add(payload);
    return AppendTasks{job.put.job, job.tasks.size(), batch_of(payloads), digest};
  }

  std::vector<Index> some_unended(const ModelJob& job) {
    std::vector<Index> all;
    const bool scattered = chance_.one_in(2);
    Index at = job.dropped_below + (chance_.one_in(2) ? 0 : chance_.below(job.tasks.size() - job.dropped_below + 1));
    for (; at < job.tasks.size() && all.size() < 100; ++at) {
      if (job.ended.contains(at)) continue;
      if (!scattered || chance_.one_in(3)) all.push_back(at);
    }
    if (scattered && chance_.one_in(2)) std::reverse(all.begin(), all.end());
    return all;
  }

  Change outcomes(const ModelJob& job) {
    const std::vector<Index> tasks = some_unended(job);
    if (tasks.empty()) return append(job);
    OutcomesBuilder builder;
    AppendOutcomes append{job.put.job, Indices(tasks), 0, 0, job.outcomes_digest + chance_.below(1000), {}, {}};
    for (const Index task : tasks) {
      const bool fails = chance_.one_in(5);
      ++(fails ? append.failed : append.done);
      const auto micros = static_cast<std::uint32_t>(chance_.below(1000));
      if (fails) {
        append.letters.emplace_back(task, Blob::copy_of(chance_.bytes(100)));
        builder.not_done(task, Failure::failed, chance_.bytes(5), chance_.bytes(50), micros, 3);
      } else {
        builder.done(task, chance_.bytes(chance_.one_in(500) ? 100'000 : 60), micros);
      }
    }
    if (job.put.options.results == ResultsPolicy::discard) return append;
    append.results.job = job.put.job;
    append.results.position = job.results.size();
    append.results.attempt = static_cast<Attempt>(1 + chance_.below(3));
    append.results.worker = "worker " + std::to_string(chance_.below(3));
    append.results.outcomes = builder.take();
    return append;
  }

  Change failures(const ModelJob& job) {
    CountFailures count{job.put.job, {}};
    for (const Index task : some_unended(job)) count.failures.emplace_back(task, 1 + chance_.below(3));
    return count;
  }

  Change trim(const ModelJob& job) {
    const std::uint64_t end = job.put.options.order ? job.tasks.size() : job.results.size();
    const std::uint64_t more = end > job.consumed ? chance_.below(end - job.consumed + 1) : 0;
    return TrimResults{job.put.job, job.consumed + more};
  }

  Change drop(const ModelJob& job) {
    Index below = job.dropped_below;
    while (job.ended.contains(below)) ++below;
    return DropTasks{job.put.job, below - (below > job.dropped_below ? chance_.below(2) : 0)};
  }

  Change answer() {
    PutAnswer answer{Incarnation{chance_.below(100)}, {RequestId{chance_.below(100)}, {"w1", "w\xc3\xa4"}}, {}};
    for (std::uint64_t n = chance_.below(3); n > 0; --n) answer.drains.push_back({Incarnation{~n}, 500});
    return answer;
  }

  Chance chance_;
  Model model_;
};

void check_fetches(Driver& store, Story& story) {
  const ModelJob* job = story.some_job();
  if (job == nullptr) return;
  Chance& chance = story.chance();
  const std::uint64_t bytes = chance.one_in(3) ? 0 : chance.below(100'000);
  if (job->dropped_below < job->tasks.size()) {
    const Index first = job->dropped_below + chance.below(job->tasks.size() - job->dropped_below);
    story.model().check(store.fetch(WantedTasks{job->put.job, first, bytes}));
  }
  const bool by_index = job->put.options.order || (job->consumed == 0 && chance.one_in(2));
  const std::uint64_t end = by_index ? job->tasks.size() : job->results.size();
  if (end < job->consumed) return;
  const std::uint64_t from = job->consumed + chance.below(end - job->consumed + 1);
  story.model().check(store.fetch(WantedResults{job->put.job, by_index, from, bytes}));
}

void tell(std::uint64_t seed) {
  TempDirectory directory;
  Story story(seed);
  auto store = std::make_unique<Driver>(SqliteOptions{.directory = directory.path()});
  std::uint64_t epoch = store->opened().epoch;
  for (int step = 0; step < 1500; ++step) {
    for (std::uint64_t gathered = 1 + story.chance().below(4); gathered > 0; --gathered) store->append(story.next());
    store->wait_committed();
    check_fetches(*store, story);
    if (!story.chance().one_in(40)) continue;
    store.reset();
    store = std::make_unique<Driver>(SqliteOptions{.directory = directory.path()});
    CHECK(store->opened().epoch == ++epoch);
    CHECK(store->opened().store == kFresh);
    story.model().check(store->opened().found);
  }
}

}  // namespace

TEST_CASE("random changes: what is found and fetched is what was committed") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    tell(seed);
  }
}

}  // namespace stint::broker
