// Random changes against the model, with the store closed and opened again at random points.
#include <doctest/doctest.h>

#include <memory>
#include <utility>

#include "driver.hpp"
#include "story.hpp"

namespace stint::broker {
namespace {

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

TEST_CASE("many tasks that ended in several runs behind one that has not are found again") {
  const TempDirectory directory;
  constexpr Index kRun = 40'000;
  PutJob job = job_of(1);
  job.options.results = ResultsPolicy::discard;
  Model model;
  {
    Driver store({.directory = directory.path()});
    BatchBuilder builder;
    for (Index task = 0; task < 2 * kRun + 2; ++task) builder.add("x");
    const std::vector<Change> changes = {job, AppendTasks{job.job, 0, builder.take(), Digest(7)},
                                         AppendOutcomes{job.job, Indices(Run{1, kRun}), kRun, 0, 8, {}, {}},
                                         AppendOutcomes{job.job, Indices(Run{kRun + 2, kRun}), kRun, 0, 9, {}, {}}};
    for (const Change& change : changes) model.apply(change);
    store.commit(changes);
  }
  model.check(Driver({.directory = directory.path()}).opened().found);
}

TEST_CASE("random changes: what is found and fetched is what was committed") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    tell(seed);
  }
}

}  // namespace stint::broker
