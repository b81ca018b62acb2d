// What reaches the log, and in how many writes.
#include <doctest/doctest.h>

#include <string>
#include <variant>
#include <vector>

#include "broker/store/engine.hpp"
#include "broker/store/log_vfs.hpp"
#include "common/model/limits.hpp"
#include "driver.hpp"
#include "fault_vfs.hpp"

namespace stint::broker {
namespace {

constexpr JobId kJob{1};

SqliteOptions options_in(const std::filesystem::path& directory, const FaultDisk& disk) {
  return {.directory = directory, .fresh = kFresh, .reserve_bytes = 0, .vfs = disk.name()};
}

}  // namespace

TEST_CASE("what a commit writes to the log is joined: no two writes to one place and the next fit into one") {
  const TempDirectory directory;
  FaultDisk disk;
  Engine engine(options_in(directory.path(), disk));
  const std::size_t before = disk.calls().size();
  engine.commit({job_of(1), AppendTasks{kJob, 0, batch_of({"a", "b"}), Digest(7)}});
  const std::vector<Call> calls(disk.calls().begin() + static_cast<std::ptrdiff_t>(before), disk.calls().end());
  REQUIRE(calls.size() >= 2);
  CHECK(calls.front().what == Call::What::write);
  CHECK(calls.back().what == Call::What::sync);
  for (std::size_t i = 1; i < calls.size(); ++i) {
    const Call& first = calls[i - 1];
    const Call& next = calls[i];
    CAPTURE(i);
    CHECK(next.file == "stint.db-wal");
    if (first.what != Call::What::write || next.what != Call::What::write) continue;
    if (first.offset + first.bytes.size() == next.offset) CHECK(first.bytes.size() + next.bytes.size() > LogVfs::kMostBytes);
  }
}

TEST_CASE("a transaction larger than SQLite's cache holds what was written") {
  constexpr std::size_t kChunks = 80;
  const TempDirectory directory;
  FaultDisk disk;
  Engine engine(options_in(directory.path(), disk));
  std::vector<Change> changes{job_of(1)};
  const auto payload = [](std::size_t chunk) { return std::string(limits::kStoreCacheBytes / 40, static_cast<char>('!' + chunk)); };
  for (std::size_t i = 0; i < kChunks; ++i) changes.emplace_back(AppendTasks{kJob, i, batch_of({payload(i)}), Digest(7)});
  engine.commit(changes);
  for (std::size_t i = 0; i < kChunks; ++i) {
    const auto fetched = std::get<FetchedTasks>(engine.fetch(WantedTasks{kJob, i, 1}));
    REQUIRE(fetched.chunks.size() == 1);
    CHECK(fetched.chunks.front().second.blob.view() == payload(i));
  }
}

}  // namespace stint::broker
