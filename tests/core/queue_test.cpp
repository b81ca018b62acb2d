// The parts of the core for themselves: TaskQueue, Lease, the result logs, Scheduler, Timers.
#include <doctest/doctest.h>

#include "broker/core/lease.hpp"
#include "broker/core/result_log.hpp"
#include "broker/core/scheduler.hpp"
#include "broker/core/task_queue.hpp"
#include "broker/core/timers.hpp"

namespace stint::broker {
namespace {

Batch batch(const std::vector<std::string>& payloads) {
  BatchBuilder builder;
  for (const std::string& payload : payloads) builder.add(payload);
  return builder.take();
}

TEST_CASE("fresh tasks leave in order, within a chunk, a number and a size") {
  TaskQueue queue;
  queue.append(batch({"a", "bb", "ccc"}));
  queue.append(batch({"dd", "ee"}));
  CHECK(queue.received() == 5);
  CHECK(queue.received_bytes() == 10);
  CHECK(queue.take_fresh(5, 2, 100).run == Run{0, 2});
  const FreshTasks third = queue.take_fresh(5, 10, 1);  // larger than asked for, but it is the first
  CHECK(third.run == Run{2, 1});
  CHECK(third.tasks.blob.view() == "ccc");
  CHECK(queue.take_fresh(4, 10, 100).run == Run{3, 1});
  CHECK(queue.take_fresh(5, 10, 100).tasks.blob.view() == "ee");
  CHECK(queue.fresh() == 5);
  CHECK(queue.fresh_bytes() == 0);
}

TEST_CASE("a task that comes back is a single, with its own payload") {
  TaskQueue queue;
  queue.append(batch({"a", "bb", "ccc"}));
  queue.append(batch({"d"}));
  queue.take_fresh(4, 3, 100);
  queue.take_fresh(4, 1, 100);
  CHECK(queue.find_single(1) == nullptr);
  queue.separate({1, 3});  // over the border of two chunks
  CHECK(queue.singles() == 3);
  CHECK(queue.single(1).payload.view() == "bb");
  CHECK(queue.single(3).payload.view() == "d");
  CHECK(queue.single(1).attempts == 1);
  queue.make_ready(1, Suspicion::one_per_slot);
  CHECK(queue.has_ready(Suspicion::one_per_slot));
  queue.lease(1);
  CHECK_FALSE(queue.has_ready());
  const TimePoint due{5s};
  queue.delay(1, due);
  queue.delay(2, due + 1s);
  CHECK(queue.delayed() == 2);
  CHECK(queue.next_due() == due);
  CHECK(queue.take_due(due - 1us).empty());
  CHECK(queue.take_due(due) == std::vector<Index>{1});
  CHECK(queue.has_ready(Suspicion::one_per_slot));
  queue.end(1);
  queue.end(Run{2, 2});
  CHECK(queue.singles() == 0);
  CHECK(queue.delayed() == 0);
  CHECK_FALSE(queue.has_ready());
}

TEST_CASE("chunks end in any order") {
  TaskQueue queue;
  for (int i = 0; i < 3; ++i) queue.append(batch({"a", "b"}));
  for (int i = 0; i < 3; ++i) queue.take_fresh(6, 2, 100);
  queue.end(Run{2, 2});
  queue.end(Run{1, 1});
  queue.end(Run{4, 1});
  queue.end(Run{0, 1});
  queue.append(batch({"c"}));
  CHECK(queue.take_fresh(7, 9, 9).run == Run{6, 1});
  queue.end(Run{5, 2});
  queue.append(batch({"d"}));
  CHECK(queue.take_fresh(8, 9, 9).tasks.blob.view() == "d");
}

TEST_CASE("a cleared queue holds nothing and goes on counting") {
  TaskQueue queue;
  queue.append(batch({"a", "b"}));
  queue.take_fresh(2, 1, 10);
  queue.delay(0, TimePoint{1s});
  queue.clear();
  CHECK(queue.received() == 2);
  CHECK(queue.fresh() == 2);
  CHECK(queue.fresh_bytes() == 0);
  CHECK(queue.delayed() == 0);
  CHECK(queue.singles() == 0);
}

Lease lease_of(Indices indices) {
  return {LeaseId{1}, JobId{1}, Incarnation{1}, std::move(indices), 1, Suspicion::none, 0};
}

TEST_CASE("a lease gives each task once, in any order") {
  Lease lease = lease_of(Indices(Run{10, 5}));
  CHECK(lease.take(Run{10, 2}));
  CHECK_FALSE(lease.take(Index{10}));
  CHECK_FALSE(lease.take(Index{15}));
  CHECK(lease.take(Index{13}));
  CHECK_FALSE(lease.take(Run{12, 2}));  // changes nothing
  CHECK(lease.open() == 2);
  CHECK(lease.open_runs() == std::vector<Run>{{12, 1}, {14, 1}});
  CHECK(lease.take(Index{12}));
  CHECK_FALSE(lease.take(Run{9, 1}));
  CHECK_FALSE(lease.take(Run{14, 2}));
  CHECK(lease.take(Run{14, 1}));
  CHECK(lease.open() == 0);
  CHECK(lease.open_runs().empty());
}

TEST_CASE("a lease of scattered tasks") {
  Lease lease = lease_of(Indices(std::vector<Index>{3, 4, 9}));
  CHECK_FALSE(lease.holds(5));
  CHECK_FALSE(lease.take(Run{4, 2}));
  CHECK(lease.take(Run{3, 2}));
  CHECK(lease.open_runs() == std::vector<Run>{{9, 1}});
  CHECK(lease.take(Index{9}));
}

JobResults results(std::vector<Index> indices) {
  OutcomesBuilder outcomes;
  for (const Index index : indices) outcomes.done(index, std::to_string(index), 1);
  return {JobId{1}, 0, 1, "w", outcomes.take()};
}

TEST_CASE("the log of a sequence is read in pieces and forgets what was consumed") {
  SequenceLog log;
  log.append(results({7, 8, 9}));
  log.append(results({1}));
  CHECK(log.end() == 4);
  CHECK(log.bytes() == 4);
  CHECK(log.read(0, 100)->outcomes.count() == 3);
  CHECK(log.read(1, 2)->outcomes.indices == Indices(Run{8, 1}));
  CHECK(log.read(1, 2)->position == 1);
  CHECK(log.read(3, 100)->outcomes.indices == Indices(Run{1, 1}));
  CHECK_FALSE(log.read(4, 100));
  CHECK_FALSE(log.read(2, 2));
  log.trim(1);  // less than half of the first piece
  CHECK(log.begin() == 0);
  log.trim(2);
  CHECK(log.begin() == 2);
  CHECK(log.bytes() == 2);
  CHECK(log.read(0, 100)->outcomes.indices == Indices(Run{9, 1}));
  log.trim(3);
  CHECK(log.begin() == 3);
  CHECK(log.bytes() == 1);
  CHECK(log.read(0, 100)->position == 3);
}

TEST_CASE("the log by index waits for what is missing, and skips it when it never comes") {
  IndexLog log;
  log.append(results({5, 3, 4, 8}));
  CHECK(log.end() == 9);
  CHECK_FALSE(log.read(0, 100, false));
  CHECK(log.read(0, 100, true)->position == 3);
  CHECK(log.read(0, 1, true)->position == 3);  // the gap takes no room
  CHECK(log.read(0, 1, true)->outcomes.count() == 1);
  log.append(results({0, 1}));
  CHECK(log.read(0, 100, false)->outcomes.count() == 2);
  CHECK(log.read(1, 100, false)->position == 1);
  CHECK_FALSE(log.read(2, 100, false));
  CHECK(log.read(4, 5, false)->outcomes.indices == Indices(Run{4, 1}));
  CHECK_FALSE(log.read(9, 100, true));
  const std::uint64_t before = log.bytes();
  log.trim(2);
  CHECK(log.bytes() == before - 2);
  log.trim(5);  // 3 and 4, of 3, 4 and 5
  CHECK(log.bytes() == before - 4);
  CHECK(log.read(5, 100, false)->position == 5);
  log.trim(9);
  CHECK(log.bytes() == 0);
  CHECK(log.end() == 9);
}

// --- who is next
// ------------------------------------------------------------------------------------------------------------

struct Place {
  Scheduler scheduler;
  std::vector<std::unique_ptr<Job>> jobs;
  std::vector<std::unique_ptr<Worker>> workers;

  Job& job(const std::string& kind) {
    jobs.push_back(std::make_unique<Job>());
    jobs.back()->id = JobId{jobs.size()};
    jobs.back()->kind = &scheduler.kind(kind);
    return *jobs.back();
  }
  Worker& worker(std::vector<std::string> kinds, std::uint64_t served, Room room = Room::free) {
    workers.push_back(std::make_unique<Worker>());
    Worker& made = *workers.back();
    made.kinds = std::move(kinds);
    made.served = served;
    scheduler.join(made);
    scheduler.set_room(made, room);
    return made;
  }
};

TEST_CASE("jobs are taken by priority, then fewest slots, then longest unserved, of the worker's kinds only") {
  Place place;
  Job& a = place.job("a");
  Job& b = place.job("a");
  Job& c = place.job("b");
  Job& other = place.job("other");
  for (Job* job : {&a, &b, &c, &other}) place.scheduler.set_ready(*job, true);
  const Worker& worker = place.worker({"a", "b"}, 0);
  CHECK(place.scheduler.next_jobs(worker, 9) == std::vector<Job*>{&a, &b, &c});
  a.last_served = 5;
  place.scheduler.set_ready(a, true);
  CHECK(place.scheduler.next_jobs(worker, 9) == std::vector<Job*>{&b, &c, &a});
  b.slots_in_use = 1;
  place.scheduler.set_ready(b, true);
  CHECK(place.scheduler.next_jobs(worker, 2) == std::vector<Job*>{&c, &a});
  b.priority = 1;
  place.scheduler.set_ready(b, true);
  CHECK(place.scheduler.next_jobs(worker, 1) == std::vector<Job*>{&b});
  place.scheduler.set_ready(b, false);
  place.scheduler.set_ready(c, false);
  CHECK(place.scheduler.next_jobs(worker, 9) == std::vector<Job*>{&a});
}

TEST_CASE("of the workers with a free slot the one longest without work is next, whatever its other kinds") {
  Place place;
  KindQueue& kind = place.scheduler.kind("a");
  CHECK(place.scheduler.longest_idle(kind) == nullptr);
  Worker& w1 = place.worker({"a"}, 7);
  Worker& w2 = place.worker({"a", "b"}, 3);
  place.worker({"b"}, 1);
  Worker& full = place.worker({"a"}, 2, Room::none);
  CHECK(kind.workers == 3);
  CHECK(place.scheduler.longest_idle(kind) == &w2);
  place.scheduler.set_room(w2, Room::prefetch);
  CHECK(place.scheduler.longest_idle(kind) == &w1);
  CHECK(place.scheduler.with_room(kind, Room::prefetch, 8) == std::vector<Worker*>{&w2});
  place.scheduler.set_room(w2, Room::free);
  CHECK(place.scheduler.with_room(kind, Room::free, 1) == std::vector<Worker*>{&w1, &w2});  // of each class
  Worker& w3 = place.worker({"a"}, 9);
  CHECK(place.scheduler.with_room(kind, Room::free, 1).size() == 2);
  CHECK(place.scheduler.with_room(kind, Room::free, 2).size() == 3);
  place.scheduler.set_room(w2, Room::prefetch);
  place.scheduler.leave(w3);
  w1.held = 1;
  CHECK(place.scheduler.empty_handed(kind) == nullptr);
  place.scheduler.leave(full);
  place.scheduler.leave(w1);
  CHECK(kind.workers == 1);
  CHECK(place.scheduler.longest_idle(kind) == nullptr);
}

TEST_CASE("timers come in the order in which they are due") {
  Timers timers;
  CHECK_FALSE(timers.next());
  timers.remind(TimePoint{3s}, TimerKind::retry, 3);
  timers.remind(TimePoint{1s}, TimerKind::retry, 1);
  timers.remind(TimePoint{1s}, TimerKind::stall, 2);
  CHECK(timers.next() == TimePoint{1s});
  CHECK(timers.take(TimePoint{1s}));
  CHECK(timers.take(TimePoint{1s}));
  CHECK_FALSE(timers.take(TimePoint{2s}));
  CHECK(timers.take(TimePoint{3s})->id == 3);
}

}  // namespace
}  // namespace stint::broker
