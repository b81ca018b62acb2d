// Small commits go into the journal, and from there into their tables.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "broker/store/check.hpp"
#include "broker/store/engine.hpp"
#include "common/model/limits.hpp"
#include "driver.hpp"
#include "fault_vfs.hpp"
#include "model.hpp"

namespace stint::broker {
namespace {

namespace fs = std::filesystem;

constexpr JobId kJob{1};

SqliteOptions options_in(const fs::path& directory, const char* vfs = nullptr) {
  return {.directory = directory, .fresh = kFresh, .reserve_bytes = 0, .vfs = vfs};
}

// A store whose small commits end with it, as with a process that is killed.
class Small {
 public:
  explicit Small(Engine& engine, ResultsPolicy policy = ResultsPolicy::stream) : engine_(engine) {
    PutJob job = job_of(1);
    job.options.results = policy;
    commit({job});
  }

  void submit(const std::string& task) {
    Digest digest = model_.jobs().at(kJob).digest;
    digest.add(task);
    commit({AppendTasks{kJob, submitted_, batch_of({task}), digest}, ReserveTasks{kJob, submitted_ + 1}});
    ++submitted_;
  }

  void end(Index task, const std::string& result) {
    OutcomesBuilder builder;
    builder.done(task, result, 5);
    JobResults results{kJob, ended_++, 1, "w", builder.take()};
    const std::uint64_t digest = model_.jobs().at(kJob).outcomes_digest + outcomes_digest(results.outcomes);
    commit({AppendOutcomes{kJob, Indices(Run{task, 1}), 1, 0, digest, results, {}}});
  }

  void commit(const std::vector<Change>& changes) {
    for (const Change& change : changes) model_.apply(change);
    engine_.commit(changes);
  }

  const Model& model() const { return model_; }

 private:
  Engine& engine_;
  Model model_;
  Index submitted_ = 0;
  std::uint64_t ended_ = 0;
};

// Of a store with three tasks, one of which is done: all but the job itself is in the journal.
Model keep_three(Engine& engine) {
  Small small(engine);
  for (const char* task : {"one", "two", "three"}) small.submit(task);
  small.end(1, "TWO");
  return small.model();
}

Model keep_three(const fs::path& directory) {
  Engine engine(options_in(directory));
  return keep_three(engine);
}

// An empty log is as good as none.
std::map<std::string, std::string> files_in(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    if (entry.file_size() > 0) files[entry.path().filename()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return files;
}

}  // namespace

TEST_CASE("a lone task's commits write one page each") {
  const TempDirectory directory;
  FaultDisk disk;
  Engine engine(options_in(directory.path(), disk.name()));
  Small small(engine);
  small.submit("the first one makes the log anew");
  const std::size_t before = disk.calls().size();
  for (Index task = 1; task < 5; ++task) {
    small.submit("task");
    small.end(task, "result");
  }
  const auto& calls = disk.calls();
  REQUIRE(calls.size() == before + 16);
  for (std::size_t call = before; call < calls.size(); call += 2) {
    CAPTURE(call);
    CHECK(calls[call].what == Call::What::write);
    CHECK(calls[call].bytes.size() <= 2 * limits::kStorePageBytes);  // once more for the last sector, since this disk promises nothing
    CHECK(calls[call + 1].what == Call::What::sync);
  }
}

TEST_CASE("what is in the journal is found at the next start, and is in its tables from then on") {
  const TempDirectory directory;
  const Model model = keep_three(directory.path());
  for (int start = 0; start < 3; ++start) {
    Engine engine(options_in(directory.path()));
    model.check(engine.take_opened().found);
  }
}

TEST_CASE("many small commits are written into their tables together, and those that come behind them follow") {
  const TempDirectory directory;
  Model model;
  {
    Engine engine(options_in(directory.path()));
    Small small(engine);
    for (Index task = 0; task < limits::kStoreJournalCommits; ++task) {
      small.submit("task");
      small.end(task, "result");
      if (task % 3 == 0) small.commit({TrimResults{kJob, task / 2}, DropTasks{kJob, task}});
    }
    small.submit("after them");
    model = small.model();
  }
  Engine engine(options_in(directory.path()));
  model.check(engine.take_opened().found);
}

TEST_CASE("what is asked for is written into its table before it is read") {
  const TempDirectory directory;
  Engine engine(options_in(directory.path()));
  Small small(engine);
  small.submit("one");
  small.submit("two");
  small.end(0, "ONE");
  small.model().check(std::get<FetchedTasks>(engine.fetch(WantedTasks{kJob, 1, 1'000})));
  small.submit("three");
  small.end(2, "THREE");
  small.model().check(std::get<FetchedResults>(engine.fetch(WantedResults{kJob, false, 0, 1'000})));
}

TEST_CASE("results that are kept are in their table at once: to read them commits nothing") {
  const TempDirectory directory;
  FaultDisk disk;
  Engine engine(options_in(directory.path(), disk.name()));
  Small small(engine, ResultsPolicy::keep);
  small.submit("one");
  small.end(0, "ONE");
  const std::size_t before = disk.syncs();
  small.model().check(std::get<FetchedResults>(engine.fetch(WantedResults{kJob, false, 0, 1'000})));
  CHECK(disk.syncs() == before);
}

TEST_CASE("what was dropped and trimmed meanwhile is never written into its table") {
  const TempDirectory directory;
  {
    Engine engine(options_in(directory.path()));
    Small small(engine);
    for (const char* task : {"one", "two"}) small.submit(task);
    for (const Index task : {0, 1}) small.end(task, "result");
    small.commit({TrimResults{kJob, 2}, DropTasks{kJob, 2}});
    engine.finish();
  }
  CHECK(number_in(directory.path() / "stint.db", "SELECT max(id) FROM payloads") == 0);
  CHECK(number_in(directory.path() / "stint.db", "SELECT received FROM counts") == 2);
}

TEST_CASE("what is forgotten takes with it what is in the journal") {
  const TempDirectory directory;
  {
    Engine engine(options_in(directory.path()));
    Small small(engine);
    small.submit("one");
    small.end(0, "ONE");
    small.commit({ForgetJob{kJob}});
  }
  Engine engine(options_in(directory.path()));
  CHECK(engine.take_opened().found.jobs.empty());
}

TEST_CASE("while commits are small, the log stays short") {
  const TempDirectory directory;
  Engine engine(options_in(directory.path()));
  Small small(engine);
  std::uintmax_t longest = 0;
  for (Index task = 0; task < 1'500; ++task) {
    small.submit("task");
    small.end(task, "result");
    small.commit({TrimResults{kJob, task + 1}, DropTasks{kJob, task + 1}});
    while (engine.has_chores()) engine.do_chore();
    longest = std::max(longest, fs::file_size(directory.path() / "stint.db-wal"));
  }
  CHECK(longest >= limits::kStoreQuietLogBytes / 2);
  CHECK(longest <= limits::kStoreQuietLogBytes + 64 * limits::kKiB);
}

TEST_CASE("the journal takes what is small, and nothing else") {
  const auto task = [](std::size_t bytes) { return AppendTasks{kJob, 0, batch_of({std::string(bytes, 'x')}), Digest()}; };
  const auto tasks = [](std::uint32_t count) { return AppendTasks{kJob, 0, batch_of(std::vector<std::string>(count)), Digest()}; };
  CHECK(Journal::takes({task(limits::kStoreJournalBytes)}));
  CHECK_FALSE(Journal::takes({task(limits::kStoreJournalBytes + 1)}));
  CHECK(Journal::takes({tasks(limits::kStoreJournalTasks)}));
  CHECK_FALSE(Journal::takes({tasks(limits::kStoreJournalTasks + 1)}));
  CHECK(Journal::takes(std::vector<Change>(limits::kStoreFewChanges, DropTasks{kJob, 1})));
  CHECK_FALSE(Journal::takes(std::vector<Change>(limits::kStoreFewChanges + 1, DropTasks{kJob, 1})));
  CHECK_FALSE(Journal::takes({DropTasks{kJob, 1}, job_of(1)}));
  OutcomesBuilder builder;
  builder.not_done(0, Failure::failed, "", "no", 5);
  AppendOutcomes failed{kJob, Indices(Run{0, 1}), 0, 1, 7, {kJob, 0, 1, "w", builder.take()}, {}};
  CHECK(Journal::takes({failed}));
  failed.letters.emplace_back(0, Blob::copy_of("a dead letter"));
  CHECK_FALSE(Journal::takes({failed}));
}

TEST_CASE("a check counts in what is in the journal, and changes no file") {
  const TempDirectory directory;
  SUBCASE("its log is emptied") { keep_three(directory.path()); }
  SUBCASE("its log is full") {
    const TempDirectory original;
    FaultDisk disk;
    Engine engine(options_in(original.path(), disk.name()));
    keep_three(engine);
    disk.write_as_after_cut(disk.calls().size(), Cut::kept, 1, directory.path());
  }
  const auto before = files_in(directory.path());
  const CheckReport report = check_store(directory.path());
  CAPTURE(report.text);
  CHECK(report.findings.empty());
  CHECK(names(report.text, "job 1 (echo): open, 3 tasks, 1 done, 0 failed"));
  CHECK(names(report.text, "11 bytes of tasks and 3 of results"));
  CHECK(files_in(directory.path()) == before);
}

TEST_CASE("row 23: a journal that is damaged is named, and never taken for less data") {
  const TempDirectory directory;
  keep_three(directory.path());
  std::string damage;
  std::string finding;
  SUBCASE("a row is gone") {
    damage = "DELETE FROM journal WHERE id = 3";
    finding = "row 3 of its journal is missing";
  }
  SUBCASE("the counts are ahead of it") {
    damage = "UPDATE counts SET received = 1, dropped_below = 1";
    finding = "tasks of job 1 from 1 on are missing in its journal";
  }
  SUBCASE("the job is gone") {
    damage = "DELETE FROM jobs; DELETE FROM counts";
    finding = "its journal speaks of job 1, which is not there";
  }
  SUBCASE("tasks are garbage") {
    damage = "UPDATE journal SET head = x'00' WHERE change = 'tasks'";
    finding = "row 1 of its journal cannot be read";
  }
  SUBCASE("results are garbage") {
    damage = "UPDATE journal SET blob = x'00' WHERE change = 'outcomes'";
    finding = "row 7 of its journal cannot be read";
  }
  SUBCASE("nobody knows the change") {
    damage = "UPDATE journal SET change = 'dance' WHERE id = 2";
    finding = "row 2 of its journal cannot be read";
  }
  execute(directory.path() / "stint.db", damage);
  const CheckReport report = check_store(directory.path());
  CAPTURE(report.text);
  REQUIRE(!report.findings.empty());
  CHECK(names(report.findings.front(), finding));
  CHECK(names(report.text, ": version "));  // and goes on to the tables
  const std::string text = refusal(options_in(directory.path()));
  CAPTURE(text);
  CHECK(names(text, "is damaged: " + finding));
}

}  // namespace stint::broker
