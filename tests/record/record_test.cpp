// What is recorded replays to the same outputs; what was changed since is refused, or differs, and says where.
#include <doctest/doctest.h>

#include <sstream>

#include "broker/record/recorder.hpp"
#include "broker/shell/intake.hpp"
#include "tests/record/small_run.hpp"
#include "tests/replayer/forged.hpp"
#include "tests/replayer/replay.hpp"

namespace stint::replay {
namespace {

using broker::contents;
using broker::record_small_run;
using broker::TempDirectory;

std::string small_recording() {
  const TempDirectory directory;
  record_small_run(directory.file());
  return contents(directory.file());
}

// What a replay says: empty when all outputs were the same.
std::string played(const std::string& bytes) {
  std::istringstream stream(bytes);
  try {
    Recording recording(stream);
    Replay replay(recording);
    return replay.run().value_or("");
  } catch (const RefusedRecording& error) {
    return error.what();
  }
}

std::string ending(const std::string& bytes) {
  std::istringstream stream(bytes);
  Recording recording(stream);
  Replay(recording).run();
  return recording.ending();
}

TEST_CASE("a recorded run replays to the same outputs, from its first message to its end") {
  const std::string bytes = small_recording();
  std::istringstream stream(bytes);
  Recording recording(stream);
  Replay replay(recording);
  CHECK(replay.run().value_or("the same") == "the same");
  CHECK(replay.inputs() > 20);
  CHECK(replay.outputs() > 50);
  REQUIRE(replay.endings().size() == 1);
  CHECK(replay.endings()[0] == "job 1 ended: 8 done, 2 failed, 0 cancelled");
  CHECK(recording.options().store == StoreId{17});
  CHECK(recording.options().heartbeat == 100ms);
  CHECK(recording.ending() == "the broker has ended");
}

TEST_CASE("what a store brings is recorded too: a restart replays to the same outputs, and tells of no payload") {
  const TempDirectory directory;
  broker::record_restart(directory.file("before.rec"), directory.file("after.rec"));
  const std::string before = contents(directory.file("before.rec"));
  const std::string after = contents(directory.file("after.rec"));
  CHECK(played(before) == "");
  CHECK(before.find("nobody else") == std::string::npos);
  CHECK(after.find("nobody else") == std::string::npos);
  std::istringstream stream(after);
  Recording recording(stream);
  Replay replay(recording);
  CHECK(replay.run().value_or("the same") == "the same");
  REQUIRE(replay.endings().size() == 1);
  CHECK(replay.endings()[0] == "job 1 ended: 2 done, 3 failed, 0 cancelled");
}

TEST_CASE("payloads and contexts are not in a recording, and take no room") {
  const std::string bytes = small_recording();
  CHECK(bytes.find("nobody else") == std::string::npos);
  CHECK(bytes.find("xxxx") == std::string::npos);
  CHECK(bytes.size() < 10'000);
}

TEST_CASE("whichever byte is changed, the replay refuses the recording or differs, and says where") {
  const std::string whole = small_recording();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const unsigned flip : {0x01U, 0x80U, 0xFFU}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ flip);
      const std::string said = played(changed);
      const bool says_where = said.find("byte") != std::string::npos || said.find("begin") != std::string::npos;
      REQUIRE_MESSAGE(says_where, "byte ", i, " ^ ", flip, ": ", said);
    }
  }
}

TEST_CASE("a changed record names its number and place") {
  std::string bytes = small_recording();
  bytes[bytes.size() / 2] ^= 1;
  const std::string said = played(bytes);
  CHECK(said.starts_with("record "));
  CHECK(said.find("at byte ") != std::string::npos);
  CHECK(said.find("it is damaged") != std::string::npos);
}

TEST_CASE("a killed broker leaves a recording that replays up to its last whole record") {
  const std::string whole = small_recording();
  const std::string broken_off = whole.substr(0, whole.size() - 60);
  CHECK(played(broken_off) == "");
  CHECK(ending(broken_off).find("breaks off within record") != std::string::npos);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string said = played(whole.substr(0, size));
    const bool good = said.empty() || size < 300;  // before the first record is whole there is nothing to replay
    REQUIRE_MESSAGE(good, size, " bytes: ", said);
  }
}

TEST_CASE("what is no recording is refused") {
  CHECK(played("").find("no recording") != std::string::npos);
  CHECK(played("#!/bin/sh\n").find("no recording") != std::string::npos);
  CHECK(played("STINTREC").find("ends after") != std::string::npos);
  CHECK(played(std::string("STINTREC\x02\0\0\0", 12)).find("format 2") != std::string::npos);
}

TEST_CASE("an output that differs is named, with what was expected and what came") {
  const std::string bytes = small_recording();
  std::istringstream stream(bytes);
  Recording recording(stream);
  std::vector<Record> records;
  for (Record record; recording.next(record);) records.push_back(record);
  const TempDirectory directory;
  {
    // The same inputs, recorded from a core with other options: it says other things.
    broker::Options other = recording.options();
    broker::record::Recorder recorder(directory.file(), limits::kMiB, recording.options());
    other.liveness += 1;
    broker::Broker core(other);
    broker::Intake intake(core, &recorder);
    broker::Outbox out;
    for (const Record& record : records) intake.tell(record.input, out);
  }
  const std::string said = played(contents(directory.file()));
  CHECK(said.find("message from peer 1: 0/0 HELLO") != std::string::npos);
  CHECK(said.find("expected: WELCOME #") != std::string::npos);
  CHECK(said.find("actual:   WELCOME #") != std::string::npos);
}

TEST_CASE("at its bound a recording stops and says so, in the log and in the file") {
  const TempDirectory directory;
  std::string news;
  record_small_run(directory.file(), 2'000, &news);
  CHECK(news.find("has reached its limit of 2000 bytes (--record-bytes)") != std::string::npos);
  const std::string bytes = contents(directory.file());
  CHECK(bytes.size() <= 2'000);
  CHECK(played(bytes) == "");
  CHECK(ending(bytes).find("it has reached its limit of 2000 bytes") != std::string::npos);
}

TEST_CASE("a file that exists is not overwritten, one that cannot be made is named") {
  const TempDirectory directory;
  record_small_run(directory.file());
  CHECK_THROWS_WITH(record_small_run(directory.file()), doctest::Contains("the file exists"));
  CHECK_THROWS_WITH(record_small_run("/nowhere/run.rec"), doctest::Contains("--record /nowhere/run.rec cannot be written"));
}

TEST_CASE("a forged payload has the size and the checksum of the one that was recorded, and short ones are the same") {
  std::string payload;
  for (int size = 0; size < 300; ++size) {
    Digest digest;
    digest.add(payload);
    const std::string other = forged(static_cast<std::uint32_t>(payload.size()), digest.value());
    Digest forged_digest;
    forged_digest.add(other);
    CHECK(other.size() == payload.size());
    CHECK(forged_digest == digest);
    if (size <= 4) CHECK(other == payload);
    payload += static_cast<char>(size * 37 + 11);
  }
  CHECK_THROWS_AS(forged(1, 12345), RefusedRecording);
}

}  // namespace
}  // namespace stint::replay
