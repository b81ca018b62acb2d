// In which order slots are given what is to be run.
#include "worker/runtime/work_queue.hpp"

#include <doctest/doctest.h>

#include <string>

#include "worker/core/actions.hpp"

namespace stint::worker {
namespace {

struct Bench {
  WorkQueue queue;
  std::atomic<bool> retired{false};
  std::uint64_t tickets = 0;

  void push(std::uint64_t job, std::uint32_t count = 1) {
    JobInfo info;
    info.job = JobId{job};
    BatchBuilder payloads;
    for (std::uint32_t i = 0; i < count; ++i) payloads.add("x");
    RunTasks tasks;
    tasks.ticket = Ticket{++tickets};
    tasks.job = std::make_shared<const JobInfo>(info);
    tasks.indices = Indices(Run{0, count});
    tasks.tasks = payloads.take();
    queue.push(std::make_shared<Work>(std::make_shared<Parcel>(tasks, nullptr), 0, count));
  }
  // The jobs of the next few pieces, in the order in which slots get them.
  std::string order(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      const auto work = queue.next(retired);
      text += std::to_string(static_cast<std::uint64_t>(work->parcel()->job().job)) + "." +
              std::to_string(static_cast<std::uint64_t>(work->parcel()->ticket())) + " ";
      work->take();
    }
    return text;
  }
};

TEST_CASE("pieces of one job are run in the order in which they came") {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.push(1);
  CHECK(bench.order(3) == "1.1 1.2 1.3 ");
}

TEST_CASE("jobs take turns, so that a small one does not wait behind all of a large one") {
  Bench bench;
  for (const std::uint64_t job : {1, 1, 1, 2, 2, 3}) bench.push(job);
  CHECK(bench.order(6) == "1.1 2.4 3.6 1.2 2.5 1.3 ");
}

TEST_CASE("a slot that asks again while there is more of its piece is given that of another job first") {
  Bench bench;
  bench.push(1, 100);
  CHECK(bench.order(2) == "1.1 1.1 ");
  bench.push(2, 2);
  CHECK(bench.order(5) == "1.1 2.2 1.1 2.2 1.1 ");
  CHECK(bench.queue.take_back(Ticket{1}, {}).size() == 1);
  CHECK(bench.queue.queued() == 0);
}

}  // namespace
}  // namespace stint::worker
