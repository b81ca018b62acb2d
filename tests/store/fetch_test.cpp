// What is read back while serving: by position and by index, in every shape that results can have.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "driver.hpp"
#include "model.hpp"

namespace stint::broker {
namespace {

constexpr JobId kJob{1};

// A job with so many tasks, each its own chunk of `bytes`, and a store to ask. Each goes with a change of the job, so that it is not
// journaled: the journal would make one chunk of them.
class Kept {
 public:
  explicit Kept(Index tasks, std::size_t bytes = 1) {
    PutJob job = job_of(1);
    job.options.results = ResultsPolicy::keep;
    commit({job});
    for (Index task = 0; task < tasks; ++task) {
      commit({job, AppendTasks{kJob, task, batch_of({std::string(bytes, static_cast<char>('a' + task % 26))}), Digest()}});
    }
  }

  void end(const std::vector<Index>& tasks, std::size_t bytes = 3) {
    OutcomesBuilder builder;
    for (const Index task : tasks) builder.done(task, std::to_string(task) + std::string(bytes, '.'), 5);
    const std::uint64_t position = model_.jobs().at(kJob).results.size();
    commit({AppendOutcomes{kJob, Indices(tasks), tasks.size(), 0, 0, {kJob, position, 1, "w", builder.take()}, {}}});
  }

  void commit(const std::vector<Change>& changes) {
    for (const Change& change : changes) model_.apply(change);
    store_.commit(changes);
  }

  FetchedResults by_index(Index from, std::uint64_t bytes = 1'000'000) { return results({kJob, true, from, bytes}); }
  FetchedResults by_position(std::uint64_t from, std::uint64_t bytes = 1'000'000) {
    return results({kJob, false, from, bytes});
  }
  FetchedTasks tasks(Index first, std::uint64_t bytes) {
    FetchedTasks fetched = store_.fetch(WantedTasks{kJob, first, bytes});
    model_.check(fetched);
    return fetched;
  }

 private:
  FetchedResults results(WantedResults wanted) {
    FetchedResults fetched = store_.fetch(wanted);
    model_.check(fetched);
    return fetched;
  }

  TempDirectory directory_;
  Driver store_{SqliteOptions{.directory = directory_.path()}};
  Model model_;
};

std::uint64_t count(const FetchedResults& fetched) {
  std::uint64_t sum = 0;
  for (const JobResults& piece : fetched.results) sum += piece.outcomes.count();
  return sum;
}

}  // namespace

TEST_CASE("tasks come as many as fit, and at least one chunk") {
  Kept kept(10, 100);
  CHECK(kept.tasks(0, 0).chunks.size() == 1);
  CHECK(kept.tasks(3, 250).chunks.size() == 2);
  CHECK(kept.tasks(0, 10'000).chunks.size() == 10);
  CHECK(kept.tasks(9, 10'000).chunks.size() == 1);
}

TEST_CASE("the first chunk holds the wanted task, wherever that is in it") {
  Kept kept(0);
  kept.commit({AppendTasks{kJob, 0, batch_of(std::vector<std::string>(500, "x")), Digest()}});
  kept.commit({AppendTasks{kJob, 500, batch_of({"one", "three"}), Digest()}});
  CHECK(kept.tasks(250, 1'000).chunks.front().first == 0);
  CHECK(kept.tasks(501, 1'000).chunks.front().first == 500);
}

TEST_CASE("results by position begin in the middle of a batch, and end where the bytes do") {
  Kept kept(30);
  kept.end({0, 1, 2, 3, 4});
  kept.end({7, 5, 9});
  kept.end({6});
  CHECK(count(kept.by_position(0)) == 9);
  CHECK(count(kept.by_position(3)) == 6);
  CHECK(count(kept.by_position(6)) == 3);
  CHECK(count(kept.by_position(0, 0)) == 5);
  CHECK(count(kept.by_position(9)) == 0);
}

TEST_CASE("results by index are put together from batches that overlap") {
  Kept kept(30);
  kept.end({8, 2, 0, 6, 4});
  kept.end({1, 3, 5});
  kept.end({7, 20, 22});
  CHECK(count(kept.by_index(0)) == 9);
  CHECK(count(kept.by_index(4)) == 5);
  CHECK(count(kept.by_index(0, 0)) == 1);
}

TEST_CASE("where nothing is by index, the next there is is named") {
  Kept kept(30);
  CHECK(!kept.by_index(0).next);
  kept.end({10, 12});
  kept.end({11});
  kept.end({20});
  CHECK(kept.by_index(0).next == 10);
  CHECK(kept.by_index(13).next == 20);
  CHECK(!kept.by_index(21).next);
  CHECK(count(kept.by_index(10)) == 3);
}

TEST_CASE("a batch that spans more tasks than a row may is found from either end") {
  Kept kept(0);
  const Index far = 400'000;
  kept.commit({AppendTasks{kJob, 0, {Sizes::uniform(0, 65'536), {}}, Digest()}});
  for (int i = 1; i < 7; ++i)
    kept.commit({AppendTasks{kJob, i * 65'536ULL, {Sizes::uniform(0, 65'536), {}}, Digest()}});
  kept.end({1, far, 0, far + 1, 2});
  CHECK(count(kept.by_index(0)) == 3);
  CHECK(count(kept.by_index(far)) == 2);
  CHECK(kept.by_index(3).next == far);
  CHECK(count(kept.by_position(0)) == 5);
}

TEST_CASE("a long run of small batches is read in pieces, each going on where the last one ended") {
  Kept kept(200);
  for (Index task = 0; task < 200; task += 2) kept.end({task + 1, task}, 50);
  Index next = 0;
  std::size_t fetches = 0;
  while (next < 200) {
    const std::uint64_t got = count(kept.by_index(next, 1'000));
    REQUIRE(got > 0);
    next += got;
    ++fetches;
  }
  CHECK(fetches > 5);
}

}  // namespace stint::broker
