// FAULTS.md, row 20: the power goes; unsynced writes are lost, or some of them are there, the last one in part.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "driver.hpp"
#include "fault_vfs.hpp"
#include "scenario.hpp"

namespace stint::broker {
namespace {

struct Recorded {
  std::vector<std::size_t> committed;  // how many calls had been made when each transaction was committed

  std::size_t before(std::size_t calls) const {
    return static_cast<std::size_t>(std::upper_bound(committed.begin(), committed.end(), calls) - committed.begin());
  }
};

// A short log, so that it is emptied into the main file now and then: that is the more delicate part.
SqliteOptions options_in(const std::filesystem::path& directory, const char* vfs) {
  return {.directory = directory, .fresh = kFresh, .reserve_bytes = 0, .log_bytes = 128 * 1024, .vfs = vfs};
}

Recorded record(FaultDisk& disk, const Scenario& scenario) {
  const TempDirectory directory;
  Recorded recorded;
  Engine engine(options_in(directory.path(), disk.name()));
  disk.directory_synced();  // which opening does itself, past SQLite
  scenario.run(engine, [&](std::size_t) { recorded.committed.push_back(disk.calls().size()); });
  return recorded;
}

void recover_after(const FaultDisk& disk, const Scenario& scenario, const Recorded& recorded, std::size_t calls,
                   Cut cut) {
  CAPTURE(calls);
  CAPTURE(static_cast<int>(cut));
  const TempDirectory directory;
  disk.write_as_after_cut(calls, cut, calls, directory.path());
  std::uint64_t epoch = 0;
  std::size_t steps = 0;
  {
    Engine engine(options_in(directory.path(), nullptr));
    const Opened opened = engine.take_opened();
    steps = scenario.check(opened.found);
    epoch = opened.epoch;
    CHECK(steps >= recorded.before(calls));
    CHECK(opened.store == kFresh);
  }
  Engine again(options_in(directory.path(), nullptr));
  const Opened opened = again.take_opened();
  CHECK(scenario.check(opened.found) == steps);
  CHECK(opened.epoch == epoch + 1);
}

}  // namespace

TEST_CASE("row 20: after a power cut at any sync everything committed is there, and recovering twice changes nothing") {
  const Scenario scenario(7, 30);
  FaultDisk disk;
  const Recorded recorded = record(disk, scenario);
  REQUIRE(recorded.committed.size() == scenario.steps());
  std::size_t cuts = 0;
  for (std::size_t call = 0; call < disk.calls().size(); ++call) {
    if (disk.calls()[call].what != Call::What::sync) continue;
    for (const Cut cut : {Cut::lost, Cut::kept, Cut::some, Cut::torn}) {
      recover_after(disk, scenario, recorded, call, cut);      // it had not come back yet
      recover_after(disk, scenario, recorded, call + 1, cut);  // it had
      cuts += 2;
    }
  }
  MESSAGE(cuts << " power cuts in " << disk.calls().size() << " calls");
  CHECK(cuts > 300);
}

}  // namespace stint::broker
