// The total ledger notices each broken promise, in the step that breaks it, and names it.
#include <stdexcept>

#include "common/model/require.hpp"
#include "tests/core/farm.hpp"
#include "tests/core/tampering.hpp"

namespace stint::broker {
namespace {

// Instead of ending the process: the tests want to go on.
class Noticed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class NoticeBrokenPromises {
 public:
  NoticeBrokenPromises() {
    on_broken_promise([](const char* what) { throw Noticed(what); });
  }
  NoticeBrokenPromises(const NoticeBrokenPromises&) = delete;
  NoticeBrokenPromises& operator=(const NoticeBrokenPromises&) = delete;
  ~NoticeBrokenPromises() { on_broken_promise(nullptr); }
};

// A job of two tasks, one of them running.
struct Scene {
  NoticeBrokenPromises notice;
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.name = "w", .slots = 1});
  JobId job = ann.opens({.kind = "echo"});
  Tampering tampering{farm.broker};

  Scene() { ann.writes(job, {"a", "b"}); }

  // What the broker finds wrong when the next task of the job arrives, without looking through the whole ledger.
  std::string found_by_next_task() {
    Outbox out;
    try {
      BatchBuilder tasks;
      tasks.add("c");
      farm.broker.step(farm.now, ann.address, {ann.session, ann.last_sent() + 1, Submit{job, 2, false, tasks.take()}}, out);
    } catch (const Noticed& noticed) {
      return noticed.what();
    }
    return "nothing";
  }

  std::string found_in_whole() {
    try {
      farm.broker.check_invariants();
    } catch (const Noticed& noticed) {
      return noticed.what();
    }
    return "nothing";
  }
};

bool names(const std::string& found, const char* promise) {
  return found.find("a promise is broken, please report it: " + std::string(promise)) != std::string::npos;
}

TEST_CASE("what nobody has tampered with is in order") {
  Scene scene;
  CHECK(scene.found_by_next_task() == "nothing");
  CHECK(scene.found_in_whole() == "nothing");
}

TEST_CASE("a task that was counted twice is noticed by the step that touches its job") {
  Scene scene;
  ++scene.tampering.job(scene.job).counts.done;
  CHECK(names(scene.found_by_next_task(), "each task is in exactly one state, and they add up to the total"));
}

TEST_CASE("a task that was lost from the counts is noticed by the step that touches its job") {
  Scene scene;
  --scene.tampering.job(scene.job).counts.queued;
  CHECK(names(scene.found_by_next_task(), "each task is in exactly one state, and they add up to the total"));
}

TEST_CASE("an end that is told before it is decided is noticed") {
  Scene scene;
  scene.tampering.job(scene.job).told.counts.done = 1;
  CHECK(names(scene.found_by_next_task(), "no end is told before it is decided"));
}

TEST_CASE("an acceptance of what was not received is noticed") {
  Scene scene;
  scene.tampering.job(scene.job).told.accepted = 50;
  CHECK(names(scene.found_by_next_task(), "no task is accepted that was not received"));
}

TEST_CASE("a job that ended with tasks left is noticed") {
  Scene scene;
  scene.tampering.job(scene.job).ended = true;
  CHECK(names(scene.found_in_whole(), "a job has ended when nothing of it is left"));
}

TEST_CASE("a worker that holds more than its leases is noticed") {
  Scene scene;
  ++scene.tampering.worker("w").held;
  CHECK(names(scene.found_in_whole(), "a worker holds what its leases say"));
}

TEST_CASE("a running task without a lease is noticed") {
  Scene scene;
  Counts& counts = scene.tampering.job(scene.job).counts;
  --counts.queued;
  ++counts.running;
  CHECK(names(scene.found_in_whole(), "each running task is in one lease"));
}

TEST_CASE("a backlog that is not what it is bounded as is noticed") {
  Scene scene;
  scene.tampering.backlog_grows();
  CHECK(names(scene.found_in_whole(), "the backlog that is bounded is the one there is"));
}

}  // namespace
}  // namespace stint::broker
