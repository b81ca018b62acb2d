// A broker whose promise breaks ends with exit code 70, says which promise it was, and leaves a whole recording.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "broker/shell/end_on_broken_promise.hpp"
#include "tests/core/tampering.hpp"
#include "tests/record/small_run.hpp"
#include "tests/replayer/replay.hpp"

namespace stint::broker {
namespace {

struct Ended {
  int code = 0;
  std::string said;
};

// Runs it in a process of its own, whose end it is to be.
template <class Run>
Ended in_own_process(const std::string& said, Run&& run) {
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen(said.c_str(), "w", stderr) == nullptr) _exit(1);
    run();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(said)};
}

TEST_CASE("a broken promise ends the broker with 70, naming the promise and the recording, which is whole") {
  const TempDirectory directory;
  const std::string recording = directory.file();
  const Ended ended = in_own_process(directory.file("said"), [&] {
    record_small_run(recording, limits::kRecordBytes, nullptr, [](Broker& core, record::Recorder& recorder) {
      static const EndOnBrokenPromise guard(&recorder);
      ++Tampering{core}.job(JobId{1}).counts.done;
    });
  });
  CHECK(ended.code == 70);
  CHECK(ended.said.find("a promise is broken, please report it: each task is in exactly one state") != std::string::npos);
  CHECK(ended.said.find("what led to it is in " + recording) != std::string::npos);

  std::ifstream stream(recording, std::ios::binary);
  replay::Recording read(stream);
  replay::Replay replay(read);
  const std::string told = replay.run().value_or("nothing");
  CHECK(told.find("broke a promise when it was recorded, and does not now") != std::string::npos);
  CHECK_FALSE(replay.record().returned);
}

}  // namespace
}  // namespace stint::broker
