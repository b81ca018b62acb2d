// A store of each version that there has been, as SQL in versions/N.sql: all of them are opened, and hold what they
// held.
//
// A new version needs its file here, made by the second test:
//   STINT_KEEP_STORE=DIR stint_store_test -tc='what this version writes*'
//   sqlite3 DIR/stint.db .dump           with PRAGMA application_id and PRAGMA user_version behind it
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "broker/store/engine.hpp"
#include "broker/store/schema.hpp"
#include "driver.hpp"
#include "story.hpp"

namespace stint::broker {
namespace {

namespace fs = std::filesystem;

fs::path file_of(std::uint32_t version) {
  const char* source = std::getenv("STINT_SOURCE");
  REQUIRE_MESSAGE(source != nullptr, "set STINT_SOURCE to the root of the sources, as ctest does");
  return fs::path(source) / "tests" / "store" / "versions" / (std::to_string(version) + ".sql");
}

void make_store(const fs::path& directory, const std::string& sql) {
  fs::create_directories(directory);
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open((directory / "stint.db").c_str(), &database) == SQLITE_OK);
  const int result = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
  CHECK_MESSAGE(result == SQLITE_OK, sqlite3_errmsg(database));
  sqlite3_close(database);
}

// Changes of every kind, the same in every run.
std::vector<Change> changes() {
  PutJob stream = job_of(1);
  stream.options.order = true;
  stream.paused = true;
  stream.reason = "paused by an operator";
  PutJob keep = job_of(2);
  keep.parent = JobId{1};
  keep.options.results = ResultsPolicy::keep;
  keep.priority = -3;
  OutcomesBuilder scattered;
  scattered.done(3, "three", 10);
  scattered.not_done(1, Failure::failed, "", "no", 20, 2);
  OutcomesBuilder run;
  run.done(0, "zero", 5);
  return {stream,
          keep,
          job_of(3),
          AppendTasks{JobId{1}, 0, batch_of({"a", "bb", "ccc", "dddd", "e"}), Digest(11)},
          AppendTasks{JobId{2}, 0, batch_of({"x", "y"}), Digest(12)},
          ReserveTasks{JobId{1}, 4},
          CountFailures{JobId{1}, {{1, 1}, {2, 2}}},
          AppendOutcomes{JobId{1},
                         Indices(std::vector<Index>{3, 1}),
                         1,
                         1,
                         77,
                         {JobId{1}, 0, 2, "w1", scattered.take()},
                         {{1, Blob::copy_of("bb")}}},
          AppendOutcomes{JobId{2}, Indices(Run{0, 1}), 1, 0, 78, {JobId{2}, 0, 1, "w2", run.take()}, {}},
          DropTasks{JobId{2}, 1},
          ForgetJob{JobId{3}},
          PutAnswer{Incarnation{5}, {RequestId{6}, {"w1"}}, {{Incarnation{7}, 1000}}}};
}

// And those of the journal, which come behind them.
constexpr std::uint32_t kJournalVersion = 3;

std::vector<Change> journaled() {
  OutcomesBuilder scattered;
  scattered.done(4, "four", 10);
  scattered.not_done(2, Failure::timed_out, "part", "took too long", 20);
  return {AppendTasks{JobId{1}, 5, batch_of({"ff", "g"}), Digest(13)},
          ReserveTasks{JobId{1}, 7},
          AppendOutcomes{JobId{1}, Indices(std::vector<Index>{4, 2}), 1, 1, 79, {JobId{1}, 2, 1, "w3", scattered.take()}, {}},
          DropTasks{JobId{1}, 0},
          TrimResults{JobId{1}, 2}};
}

Model model_of(std::uint32_t version) {
  Model model;
  for (const Change& change : changes()) model.apply(change);
  if (version < kJournalVersion) return model;
  for (const Change& change : journaled()) model.apply(change);
  return model;
}

}  // namespace

TEST_CASE("row 23: a store of every version is opened, and holds what it held") {
  for (std::uint32_t version = 1; version <= kSchemaVersion; ++version) {
    CAPTURE(version);
    std::ifstream file(file_of(version));
    REQUIRE_MESSAGE(file, "a store of this version is missing in tests/store/versions");
    const TempDirectory directory;
    make_store(directory.path(), {std::istreambuf_iterator<char>(file), {}});
    Driver store({.directory = directory.path()});
    CHECK(store.opened().store == kFresh);
    CHECK(store.opened().epoch == 2);
    model_of(version).check(store.opened().found);
  }
}

TEST_CASE("what this version writes is what its file in versions/ was made from") {
  const TempDirectory directory;
  {
    Engine engine({.directory = directory.path(), .fresh = kFresh});
    engine.commit(changes());
    engine.commit(journaled());
  }
  if (const char* keep = std::getenv("STINT_KEEP_STORE")) fs::copy(directory.path(), keep);
  const Driver store({.directory = directory.path()});
  model_of(kSchemaVersion).check(store.opened().found);
}

}  // namespace stint::broker
