// FAULTS.md, rows 23, 24 and 39: what a directory may hold when a broker starts on it.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "broker/store/schema.hpp"
#include "driver.hpp"

namespace stint::broker {
namespace {

namespace fs = std::filesystem;

constexpr JobId kJob{1};

void keep_some(const fs::path& directory) {
  Driver store({.directory = directory});
  store.commit({job_of(1), AppendTasks{kJob, 0, batch_of({"a", "b"}), Digest(7)}});
}

}  // namespace

TEST_CASE("a new directory is for its owner alone, and an empty store is found there") {
  const TempDirectory directory;
  const Driver store({.directory = directory.path()});
  struct stat made {};
  REQUIRE(stat(directory.path().c_str(), &made) == 0);
  CHECK((made.st_mode & 0777) == 0700);
  for (const char* name : {"stint.db", "stint.db-wal"}) {
    REQUIRE(stat((directory.path() / name).c_str(), &made) == 0);
    CHECK((made.st_mode & 0077) == 0);
  }
  CHECK(store.opened().store == kFresh);
  CHECK(store.opened().epoch == 1);
  CHECK(store.opened().found.jobs.empty());
}

TEST_CASE("row 24: a second broker is told who holds the directory") {
  const TempDirectory directory;
  const Driver store({.directory = directory.path()});
  const std::string text = refusal({.directory = directory.path()});
  CAPTURE(text);
  CHECK(names(text, "in use by process " + std::to_string(getpid()) + " on "));
}

TEST_CASE("row 24: the lock of a broker that is no more holds nobody up, and an orderly one leaves none") {
  const TempDirectory directory;
  keep_some(directory.path());
  CHECK(!fs::exists(directory.path() / "lock"));
  std::ofstream(directory.path() / "lock") << "4711 elsewhere\n";
  CHECK(refusal({.directory = directory.path()}).empty());
}

TEST_CASE("row 23: what is no store is refused, and left as it is") {
  const TempDirectory directory;
  fs::create_directory(directory.path());
  const fs::path file = directory.path() / "stint.db";
  std::ofstream(file) << "Dear diary, this is no database at all, but long enough to be looked at closely. "
                      << std::string(2000, 'x');
  const auto size = fs::file_size(file);
  const std::string text = refusal({.directory = directory.path()});
  CAPTURE(text);
  CHECK(names(text, "stint.db is not a store of Stint"));
  CHECK(fs::file_size(file) == size);
}

TEST_CASE("row 23: another program's database is refused") {
  const TempDirectory directory;
  fs::create_directory(directory.path());
  execute(directory.path() / "stint.db", "CREATE TABLE songs(title TEXT)");
  CHECK(names(refusal({.directory = directory.path()}), "not a store of Stint"));
}

TEST_CASE("row 23: a store of a newer version is refused, naming both") {
  const TempDirectory directory;
  keep_some(directory.path());
  execute(directory.path() / "stint.db", "PRAGMA user_version = 4712");
  const std::string text = refusal({.directory = directory.path()});
  CAPTURE(text);
  CHECK(names(text, "version 4712"));
  CHECK(names(text, "versions up to " + std::to_string(kSchemaVersion)));
}

TEST_CASE("row 23: damage is named with the file and the remedy, and never taken for less data") {
  const TempDirectory directory;
  keep_some(directory.path());
  const fs::path file = directory.path() / "stint.db";
  std::string damage;
  SUBCASE("a chunk is gone") { damage = "DELETE FROM chunks"; }
  SUBCASE("the counts are gone") { damage = "DELETE FROM counts"; }
  SUBCASE("the job is gone") { damage = "DELETE FROM jobs"; }
  SUBCASE("options are garbage") { damage = "UPDATE jobs SET options = x'00'"; }
  SUBCASE("a table is gone") { damage = "DROP TABLE endings"; }
  execute(file, damage);
  const std::string text = refusal({.directory = directory.path()});
  CAPTURE(text);
  CHECK(names(text, file.string()));
  CHECK((names(text, "damaged") || names(text, "no such table")));
}

TEST_CASE("row 23: pages full of garbage are named as damage") {
  const TempDirectory directory;
  keep_some(directory.path());
  const fs::path file = directory.path() / "stint.db";
  {
    std::fstream all(file, std::ios::in | std::ios::out | std::ios::binary);
    all.seekp(8192);
    all << std::string(fs::file_size(file) - 8192, '\x5a');
  }
  const std::string text = refusal({.directory = directory.path()});
  CAPTURE(text);
  CHECK(names(text, "is damaged"));
}

TEST_CASE("row 23: a store whose main file is gone is no new store") {
  const TempDirectory directory;
  keep_some(directory.path());
  std::ofstream(directory.path() / "stint.db-wal") << "frames";
  SUBCASE("gone") { fs::remove(directory.path() / "stint.db"); }
  SUBCASE("empty") { fs::resize_file(directory.path() / "stint.db", 0); }
  CHECK(names(refusal({.directory = directory.path()}), "stint.db is gone"));
}

TEST_CASE("row 23: a directory that cannot be made is named") {
  const TempDirectory directory;
  std::ofstream(directory.root() / "file") << "x";
  CHECK(names(refusal({.directory = directory.root() / "file" / "store"}), "file"));
  CHECK(names(refusal({.directory = directory.root() / "file"}), "file"));
}

// Who reads a store id and an epoch can tell yesterday's copy from what it was given later; here they are what they
// were.
TEST_CASE("row 39: yesterday's copy is the same store, at the epoch after its last") {
  const TempDirectory directory;
  keep_some(directory.path());
  const fs::path copy = directory.root() / "copy";
  fs::copy(directory.path(), copy);
  {
    Driver store({.directory = directory.path()});
    CHECK(store.opened().epoch == 2);
    store.commit({AppendTasks{kJob, 2, batch_of({"c"}), Digest(8)}});
  }
  const Driver back({.directory = copy, .fresh = StoreId{99}});
  CHECK(back.opened().store == kFresh);
  CHECK(back.opened().epoch == 2);
  CHECK(back.opened().found.jobs.at(0).received == 2);
  CHECK(back.opened().found.last_job == 1);
}

}  // namespace stint::broker
