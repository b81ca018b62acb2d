// FAULTS.md, rows 21 and 22: the k-th call to the disk fails, for every k.
#include <doctest/doctest.h>

#include <string>

#include "driver.hpp"
#include "fault_vfs.hpp"
#include "scenario.hpp"

namespace stint::broker {
namespace {

struct Outcome {
  std::size_t committed = 0;
  std::string error;  // empty: no call of the store's has thrown
  bool opened = false;
  bool failed = false;  // the fault came before the store was closed
  Call::What what{};
};

SqliteOptions options_in(const std::filesystem::path& directory, const char* vfs) {
  return {.directory = directory, .fresh = kFresh, .reserve_bytes = 64 * 1024, .log_bytes = 128 * 1024, .vfs = vfs};
}

Outcome run(FaultDisk& disk, const std::filesystem::path& directory, const Scenario& scenario) {
  Outcome outcome;
  try {
    Engine engine(options_in(directory, disk.name()));
    outcome.opened = true;
    scenario.run(engine, [&](std::size_t steps) { outcome.committed = steps; });
    outcome.failed = disk.has_failed();
    outcome.what = disk.failed();
  } catch (const StoreError& error) {
    outcome.error = error.what();
    outcome.failed = true;
    outcome.what = disk.failed();
  }
  return outcome;
}

// Nothing committed is lost, nothing is there by half, and the store works again.
void check_recovery(const std::filesystem::path& directory, const Scenario& scenario, std::size_t committed) {
  Engine engine(options_in(directory, nullptr));
  CHECK(scenario.check(engine.take_opened().found) >= committed);
}

template <class Judge>
std::size_t for_every_call(Fault fault, Judge judge) {
  const Scenario scenario(3, 20);
  FaultDisk disk;
  std::size_t call = 1;
  for (;; ++call) {
    CAPTURE(call);
    const TempDirectory directory;
    disk.fail(call, fault);
    const Outcome outcome = run(disk, directory.path(), scenario);
    if (!outcome.failed) break;
    CAPTURE(static_cast<int>(outcome.what));
    CAPTURE(outcome.error);
    judge(outcome);
    check_recovery(directory.path(), scenario, outcome.committed);
  }
  return call - 1;
}

bool is_write(const Outcome& outcome) { return outcome.what == Call::What::write || outcome.what == Call::What::sync; }

}  // namespace

TEST_CASE("row 21: a write or sync that fails ends the store, with the file, the cause and the remedy") {
  const std::size_t calls = for_every_call(Fault::io_error, [](const Outcome& outcome) {
    if (is_write(outcome)) CHECK(!outcome.error.empty());
    if (outcome.error.empty()) return;
    CHECK(outcome.error.find("stint.db") != std::string::npos);
    CHECK(outcome.error.find("start again") != std::string::npos);
    if (outcome.opened) CHECK(outcome.error.find("Input/output error") != std::string::npos);
  });
  MESSAGE(calls << " calls failed with EIO");
  CHECK(calls > 100);
}

TEST_CASE(
    "row 22: a full disk is no error of the store's once it serves: what did not fit is repeated from the reserve") {
  for (const Fault fault : {Fault::no_space, Fault::short_write}) {
    const std::size_t calls = for_every_call(fault, [](const Outcome& outcome) {
      if (outcome.opened && outcome.what == Call::What::write) CHECK(outcome.error.empty());
      if (!outcome.opened) CHECK(!outcome.error.empty());
    });
    MESSAGE(calls << " calls found the disk full");
    CHECK(calls > 100);
  }
}

TEST_CASE("row 21: whatever fails while a store is closed, nothing committed is lost") {
  const Scenario scenario(3, 20);
  for (const Fault fault : {Fault::io_error, Fault::no_space, Fault::short_write}) {
    FaultDisk disk;
    std::size_t call = 1;
    for (;; ++call) {
      CAPTURE(call);
      const TempDirectory directory;
      std::size_t committed = 0;
      {
        Engine engine(options_in(directory.path(), disk.name()));
        scenario.run(engine, [&](std::size_t steps) { committed = steps; });
        disk.fail(call, fault);
      }
      if (!disk.has_failed()) break;
      check_recovery(directory.path(), scenario, committed);
    }
    const std::size_t calls = call - 1;
    MESSAGE(calls << " calls of the closing failed");
    CHECK(calls > 0);
  }
}

}  // namespace stint::broker
