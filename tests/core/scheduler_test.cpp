// What the broker remembers of kinds, classes of workers and topics does not grow with those that came and went.
#include "broker/core/scheduler.hpp"

#include "common/model/limits.hpp"
#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

TEST_CASE("a class of workers is remembered as long as it has members, a kind as long as somebody offers it or asks for it") {
  Scheduler scheduler;
  Worker a, b;
  a.kinds = b.kinds = {"echo", "render"};
  scheduler.join(a);
  scheduler.join(b);
  CHECK(scheduler.classes() == 1);
  CHECK(scheduler.kinds() == 2);
  Job job;
  job.options.kind = "echo";
  scheduler.enlist(job);
  scheduler.leave(a);
  CHECK(scheduler.classes() == 1);
  scheduler.leave(b);
  CHECK(scheduler.classes() == 0);
  CHECK(scheduler.kinds() == 1);
  scheduler.join(a);
  scheduler.set_room(a, Room::free);
  CHECK(scheduler.longest_idle(*job.kind) == &a);
  scheduler.leave(a);
  CHECK(scheduler.longest_idle(*job.kind) == nullptr);
  scheduler.dismiss(job);
  CHECK(scheduler.kinds() == 0);
}

TEST_CASE("of workers that left the newest are remembered, and the numbers of all go on rising") {
  Events events(StoreId{1}, 1);
  events.subscribe("worker.");
  Outbox out;
  const auto told = [&](const std::string& topic) {
    events.publish(out, topic, "joined", {});
    return std::get<Publish>(out.take().back()).event.seq;
  };
  for (int i = 0; i < 5; ++i) told("worker.old.");
  events.retire("worker.old.");
  CHECK(told("worker.old.") == 6);
  events.retire("worker.old.");
  for (std::uint32_t i = 0; i < limits::kRetiredTopics; ++i) {
    const std::string topic = worker_topic("w" + std::to_string(i));
    told(topic);
    events.retire(topic);
  }
  CHECK(events.topics() == limits::kRetiredTopics);
  CHECK(told("worker.old.") == 7);
}

TEST_CASE("a worker that drains offers its kind no more, and whoever waits for it is told so") {
  Farm farm;
  FarmClient& ann = farm.client("ann");
  FarmWorker& worker = farm.worker({.name = "w"});
  const JobId job = ann.runs({.kind = "echo"}, numbered(2));
  Command drain;
  drain.verb = "drain";
  drain.names = {"w"};
  ann.commands(drain);
  worker.takes<Drain>();
  CHECK(farm.job(job).text("reason").starts_with("no worker offers kind echo"));
  worker.greets();
  worker.takes<Drain>();
  worker.finishes_all();
  CHECK(worker.held.empty());
  worker.leaves();
  farm.worker({.name = "another"});
  CHECK(farm.job(job).text("reason").empty());
}

}  // namespace
}  // namespace stint::broker
