// What lies between the loop's thread and the store's.
#include <doctest/doctest.h>
#include <poll.h>

#include <string>

#include "driver.hpp"
#include "fault_vfs.hpp"

namespace stint::broker {
namespace {

constexpr JobId kJob{1};

AppendTasks task(Index first) { return {kJob, first, batch_of({"x"}), Digest()}; }

bool is_readable(const SqliteStore& store) {
  pollfd descriptor{store.fd(), POLLIN, 0};
  return poll(&descriptor, 1, 0) == 1;
}

}  // namespace

TEST_CASE("what was appended before an orderly end is there afterwards, also if nobody waited for it") {
  const TempDirectory directory;
  {
    Driver store({.directory = directory.path()});
    store.append(job_of(1));
    for (Index at = 0; at < 1'000; ++at) store.append(task(at));
  }
  CHECK(Driver({.directory = directory.path()}).opened().found.jobs.at(0).received == 1'000);
}

TEST_CASE("after an orderly end all of it is in its tables") {
  const TempDirectory directory;
  {
    Driver store({.directory = directory.path()});
    store.commit({job_of(1)});
    for (Index at = 0; at < 3; ++at) store.commit({task(at)});
  }
  CHECK(number_in(directory.path() / "stint.db", "SELECT count(*) FROM journal") == 0);
  CHECK(number_in(directory.path() / "stint.db", "SELECT received FROM counts") == 3);
}

TEST_CASE("a store that nobody asks for anything says nothing") {
  const TempDirectory directory;
  SqliteStore store({.directory = directory.path(), .fresh = kFresh});
  CHECK(!is_readable(store));
  const StoreNews news = store.news();
  CHECK(!news.committed);
  CHECK(!news.full);
  CHECK(news.fetched.empty());
}

TEST_CASE("batches of one that gather become few rows") {
  const TempDirectory directory;
  Driver store({.directory = directory.path()});
  store.append(job_of(1));
  for (Index at = 0; at < 10'000; ++at) store.append(task(at));
  store.wait_committed();
  CHECK(store.fetch(WantedTasks{kJob, 0, 1'000'000}).chunks.size() < 1'000);
}

TEST_CASE("a change alone costs one sync") {
  const TempDirectory directory;
  FaultDisk disk;
  Driver store({.directory = directory.path(), .vfs = disk.name()});
  store.commit({job_of(1)});
  const std::size_t before = disk.syncs();
  for (Index at = 0; at < 20; ++at) store.commit({task(at)});
  CHECK(disk.syncs() == before + 20);
}

TEST_CASE("row 21: after its first error a store reports nothing more, whatever is appended") {
  const TempDirectory directory;
  FaultDisk disk;
  CommitId committed{};
  {
    Driver store({.directory = directory.path(), .reserve_bytes = 0, .vfs = disk.name()});
    store.commit({job_of(1), task(0)});
    disk.fail(1, Fault::io_error);
    for (int attempt = 0; attempt < 3; ++attempt) {
      store.append(task(static_cast<Index>(1 + attempt)));
      CHECK_THROWS_AS(store.wait_committed(), StoreError);
    }
    committed = store.committed();
  }
  CHECK(static_cast<std::uint64_t>(committed) == 2);
  CHECK(Driver({.directory = directory.path()}).opened().found.jobs.at(0).received >= 1);
}

}  // namespace stint::broker
