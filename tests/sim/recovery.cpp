#include "tests/sim/recovery.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "broker/core/broker.hpp"

namespace stint::sim {
namespace {

// A start that nobody sees but one client, who asks for the jobs as soon as everything decided is durable.
class Recovery {
 public:
  Recovery(TimePoint now, const broker::Options& options, const broker::Disk& disk) : now_(now), core_(options) {
    core_.restore(now_, disk.found(), out_);
    commit_everything();
    list_jobs(options.store);
  }

  const std::vector<broker::Change>& changes() const { return changes_; }
  const std::vector<Row>& jobs() const { return jobs_; }

 private:
  void commit_everything() {
    while (!out_.empty()) {
      for (broker::Action& action : out_.take()) {
        if (auto* store = std::get_if<broker::Store>(&action)) {
          changes_.push_back(std::move(store->change));
          core_.committed(store->commit, out_);
        } else if (auto* send = std::get_if<broker::Send>(&action)) {
          answers_.push_back(std::move(send->envelope));
        }
      }
    }
  }

  template <class Answer>
  std::pair<SessionId, Answer> ask(SessionId session, std::uint32_t seq, Message message) {
    constexpr PeerId kClient{1};
    answers_.clear();
    core_.step(now_, kClient, {session, seq, std::move(message)}, out_);
    commit_everything();
    for (Envelope& envelope : answers_) {
      if (auto* answer = std::get_if<Answer>(&envelope.message)) return {envelope.session, std::move(*answer)};
    }
    throw Failure("a broker that has just started does not answer");
  }

  void list_jobs(StoreId store) {
    Hello hello;
    hello.name = "who looks";
    hello.incarnation = Incarnation{1};
    hello.hello_no = 1;
    hello.store = store;
    const auto session = ask<Welcome>({}, 0, std::move(hello)).first;
    std::uint64_t cursor = 0;
    std::uint32_t seq = 0;
    do {
      ++seq;
      Answer answer = ask<Answer>(session, seq, Query{RequestId{seq}, "jobs", {}, cursor, 0}).second;
      std::move(answer.rows.begin(), answer.rows.end(), std::back_inserter(jobs_));
      cursor = answer.next;
    } while (cursor != 0);
  }

  TimePoint now_;
  broker::Broker core_;
  broker::Outbox out_;
  std::vector<Envelope> answers_;
  std::vector<broker::Change> changes_;
  std::vector<Row> jobs_;
};

// The next start, once the first `count` changes of the one before are durable.
Recovery again(TimePoint now, broker::Options options, broker::Disk disk, const std::vector<broker::Change>& changes, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) disk.apply(changes[i]);
  ++options.epoch;
  return {now, options, disk};
}

}  // namespace

void check_recovery(World& world, const broker::Options& options, const broker::Disk& disk, const Told& told) {
  const Recovery first(world.now(), options, disk);
  told.check(first.jobs());
  const auto& changes = first.changes();
  const Recovery interrupted = again(world.now(), options, disk, changes, world.random.below(changes.size() + 1));
  world.require(interrupted.jobs() == first.jobs(), "a second start finds other jobs than the first, which had died at once");
  const Recovery second = again(world.now(), options, disk, changes, changes.size());
  world.require(second.jobs() == first.jobs(), "a second start finds other jobs than the first");
  // How far tasks may go out is made durable by each start: it is for its own workers.
  const bool settled = std::all_of(second.changes().begin(), second.changes().end(), [](const broker::Change& change) {
    return std::holds_alternative<broker::ReserveTasks>(change);
  });
  world.require(settled, "a second start changes what the first has recovered");
}

}  // namespace stint::sim
