// FAULTS.md, row 22, on a real full disk: a small file system in memory, in a mount namespace that ends with the test.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <fstream>
#include <string>

#include "driver.hpp"

namespace stint::broker {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr JobId kJob{1};

class SmallDisk {
 public:
  SmallDisk() : where_(directory_.root() / "disk") {
    fs::create_directory(where_);
    is_there_ = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                mount("tmpfs", where_.c_str(), "tmpfs", 0, "size=24m") == 0;
    if (!is_there_) MESSAGE("SKIPPED: mounting a small file system needs root");
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (is_there_) umount2(where_.c_str(), MNT_DETACH);
  }
  bool is_there() const { return is_there_; }
  const fs::path& path() const { return where_; }

 private:
  TempDirectory directory_;
  fs::path where_;
  bool is_there_ = false;
};

std::uint64_t free_in(const fs::path& where) {
  struct statvfs disk {};
  REQUIRE(statvfs(where.c_str(), &disk) == 0);
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

// Another program's file that takes all but `left` bytes.
void fill(const fs::path& where, std::uint64_t left) {
  std::ofstream file(where / "filler", std::ios::binary | std::ios::app);
  const std::string block(4096, 'f');
  while (free_in(where) > left && file.write(block.data(), 4096).flush()) {
  }
}

AppendTasks tasks(Index first, std::size_t bytes) {
  return {kJob, first, batch_of({std::string(bytes, 't')}), Digest(static_cast<std::uint32_t>(first + 1))};
}

AppendOutcomes outcome(Index task, std::size_t bytes) {
  OutcomesBuilder builder;
  builder.done(task, std::string(bytes, 'r'), 1);
  return {kJob, Indices(Run{task, 1}), 1, 0, task + 1, {kJob, task, 1, "w", builder.take()}, {}};
}

}  // namespace

TEST_CASE("row 22: a full disk is told, what runs can finish from the reserve, and room comes back") {
  const SmallDisk small;
  if (!small.is_there()) return;
  const fs::path& disk = small.path();
  const SqliteOptions options{.directory = disk / "store", .reserve_bytes = 4 * kMiB, .log_bytes = kMiB};
  {
    Driver store(options);
    store.commit({job_of(1)});
    for (Index task = 0; task < 20; ++task) store.commit({tasks(task, 100'000)});

    fill(disk, 3 * kMiB);
    store.commit({tasks(20, 10)});
    const std::string reason = store.wait_full(true);
    CAPTURE(reason);
    CHECK(reason.find("KiB free") != std::string::npos);
    CHECK(reason.find("store") != std::string::npos);

    fill(disk, 0);
    for (Index task = 0; task < 20; ++task) store.commit({outcome(task, 100'000)});
    CHECK(free_in(disk) < 4 * kMiB);

    fs::remove(disk / "filler");
    CHECK(store.wait_full(false).empty());
    store.commit({tasks(21, 10)});
    CHECK(fs::file_size(disk / "store" / "reserve") == 4 * kMiB);
  }
  const Driver store(options);
  const FoundJob& job = store.opened().found.jobs.at(0);
  CHECK(job.received == 22);
  CHECK(job.done == 20);
}

TEST_CASE("row 22: a store starts on a full disk with the room of its reserve") {
  const SmallDisk small;
  if (!small.is_there()) return;
  const fs::path& disk = small.path();
  const SqliteOptions options{.directory = disk / "store", .reserve_bytes = 4 * kMiB};
  Driver(options).commit({job_of(1)});
  fill(disk, 0);
  Driver store(options);
  CHECK(store.opened().epoch == 2);
  CHECK(store.opened().found.jobs.size() == 1);
  CHECK(!store.wait_full(true).empty());
}

TEST_CASE("row 22: what small commits have made superfluous makes room, though no other commit follows") {
  const SmallDisk small;
  if (!small.is_there()) return;
  const fs::path& disk = small.path();
  Driver store({.directory = disk / "store", .reserve_bytes = 4 * kMiB, .log_bytes = kMiB});
  store.commit({job_of(1)});
  for (Index task = 0; task < 60; ++task) store.commit({tasks(task, 100'000)});
  fill(disk, 3 * kMiB);
  store.commit({tasks(60, 10)});
  store.wait_full(true);
  for (Index task = 0; task <= 60; ++task) store.commit({outcome(task, 10)});
  store.commit({TrimResults{kJob, 61}, DropTasks{kJob, 61}});
  CHECK(store.wait_full(false).empty());
}

TEST_CASE("row 22: when the reserve is used up as well, the store ends and says so; nothing committed is lost") {
  const SmallDisk small;
  if (!small.is_there()) return;
  const fs::path& disk = small.path();
  const SqliteOptions options{.directory = disk / "store", .reserve_bytes = kMiB, .log_bytes = kMiB};
  Index committed = 0;
  std::string error;
  {
    Driver store(options);
    store.commit({job_of(1)});
    fill(disk, 0);
    try {
      for (;; ++committed) store.commit({tasks(committed, 100'000)});
    } catch (const StoreError& caught) {
      error = caught.what();
    }
  }
  CAPTURE(error);
  CHECK(error.find("is full, and no reserve is left. Free space there") != std::string::npos);
  fs::remove(disk / "filler");
  const Driver store(options);
  CHECK(store.opened().found.jobs.at(0).received >= committed);
}

TEST_CASE("rows that nobody needs give their pages to the next ones") {
  const TempDirectory directory;
  Driver store({.directory = directory.path(), .log_bytes = kMiB});
  store.commit({job_of(1)});
  std::uintmax_t size = 0;
  for (Index task = 0; task < 200; ++task) {
    store.commit({tasks(task, 100'000), outcome(task, 100'000)});
    store.commit({TrimResults{kJob, task + 1}, DropTasks{kJob, task + 1}});
    if (task == 50) size = fs::file_size(directory.path() / "stint.db");
  }
  CHECK(size > 0);
  CHECK(fs::file_size(directory.path() / "stint.db") <= size + kMiB);
}

}  // namespace stint::broker
