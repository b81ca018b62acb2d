// A worker's session on a bench: time is a number, the broker's messages are delivered by hand, and what the session
// says goes through the codec before anybody looks at it.
//
//   Bench bench({.slots = 2});
//   bench.join();
//   bench.job(7);
//   bench.give(lease(1), {0, 10});               // TASKS
//   bench.executor_ends(lease(1), {0, 3});
//   CHECK(bench.sent<LeaseResults>().outcomes.count() == 3);
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/model/limits.hpp"
#include "common/wire/codec.hpp"
#include "worker/core/session.hpp"

namespace stint::worker {

constexpr LeaseId lease(std::uint64_t number) { return LeaseId{std::uint64_t{1} << 40 | number}; }
constexpr JobId job(std::uint64_t number) { return JobId{number}; }

struct BenchOptions {
  std::vector<std::string> kinds = {"echo"};
  std::uint32_t slots = 2;
};

class Bench {
 public:
  explicit Bench(BenchOptions options = {})
      : session({.broker = "tcp://broker:5555",
                 .name = "w",
                 .kinds = options.kinds,
                 .slots = options.slots,
                 .incarnation = Incarnation{77},
                 .random = 1},
                now) {}

  // --- the broker's side ---

  Hello greeted() {
    tick();
    return sent<Hello>();
  }

  // Answers the last HELLO.
  void welcome(std::vector<Drop> drop = {}) {
    ++session_number_;
    broker_seq_ = 0;
    Welcome welcome;
    welcome.hello_no = last_hello_no;
    welcome.store = store;
    welcome.epoch = 1;
    welcome.name = "w";
    welcome.heartbeat_ms = 2000;
    welcome.liveness = 3;
    welcome.max_payload_bytes = limits::kMaxPayloadBytes;
    welcome.batch_bytes = limits::kBatchBytes;
    welcome.unacked_bytes = unacked_bytes;
    welcome.drop = std::move(drop);
    deliver(Envelope{SessionId{session_number_}, 0, welcome});
  }

  void join() {
    greeted();
    welcome();
    forget_said();
  }

  void say(Message message) { deliver(Envelope{SessionId{session_number_}, ++broker_seq_, std::move(message)}); }
  void lose_a_message() { ++broker_seq_; }

  void describe(JobId id, std::uint32_t time_limit_ms = 0, const std::string& kind = "echo") {
    JobInfo info;
    info.job = id;
    info.kind = kind;
    info.name = "a job";
    info.time_limit_ms = time_limit_ms;
    say(info);
  }

  void give(LeaseId id, Run run, JobId of = job(7)) {
    BatchBuilder payloads;
    for (std::uint64_t i = 0; i < run.count; ++i) payloads.add("payload");
    Tasks tasks;
    tasks.lease = id;
    tasks.job = of;
    tasks.indices = Indices(run);
    tasks.tasks = payloads.take();
    say(tasks);
  }

  void acknowledge() { say(ResultsAck{last_seq}); }

  // --- the executor's side ---

  void executor_ends(LeaseId id, Run run, const std::string& result = "result") {
    OutcomesBuilder outcomes;
    for (std::uint64_t i = 0; i < run.count; ++i) outcomes.done(run.first + i, result, 5);
    act([&](Outbox& out) { session.ended(now, tickets.at(id), outcomes.take(), out); });
  }

  void executor_gives_back(LeaseId id, std::vector<Run> runs) {
    act([&](Outbox& out) { session.given_back(now, tickets.at(id), runs, out); });
  }

  void executor_runs(LeaseId id, Index index, TimePoint since, std::optional<TimePoint> told = {}) {
    Load load;
    load.running.push_back({.slot = 0, .ticket = tickets.at(id), .index = index, .since = since, .told = told});
    act([&](Outbox& out) { session.busy(now, load, out); });
  }

  // --- time ---

  void tick() {
    act([&](Outbox& out) { session.tick(now, out); });
  }
  // In steps, as a loop would turn, with an empty socket each time.
  void pass(Duration duration) {
    const TimePoint end = now + duration;
    while (now < end) {
      now = std::min(end, now + 500ms);
      act([&](Outbox& out) { session.drained(now, out); });
      tick();
    }
  }

  // --- what came out ---

  // The oldest message not yet looked at, which has to be of this type.
  template <class Body>
  Body sent() {
    REQUIRE_FALSE(messages.empty());
    const Envelope envelope = std::move(messages.front());
    messages.pop_front();
    REQUIRE(std::holds_alternative<Body>(envelope.message));
    return std::get<Body>(envelope.message);
  }
  template <class Wanted>
  Wanted asked() {
    REQUIRE_FALSE(orders.empty());
    const Action action = std::move(orders.front());
    orders.pop_front();
    REQUIRE(std::holds_alternative<Wanted>(action));
    return std::get<Wanted>(action);
  }
  bool is_quiet() const { return messages.empty() && orders.empty(); }
  void forget_said() {
    messages.clear();
    orders.clear();
    lines.clear();
  }
  bool said(const std::string& part) const {
    for (const std::string& line : lines) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  template <class Step>
  void act(Step step) {
    Outbox out;
    step(out);
    for (Action& action : out) take(action);
  }

  TimePoint now = TimePoint(1h);
  Session session;
  StoreId store{42};
  std::uint64_t unacked_bytes = limits::kWorkerUnackedBytes;
  std::deque<Envelope> messages;   // to the broker
  std::deque<Action> orders;       // to the executor: RunTasks, StopTasks, StopOvertime, WriteOff, HoldBack
  std::vector<std::string> lines;  // to people
  std::map<LeaseId, Ticket> tickets;
  std::uint32_t last_hello_no = 0;
  std::uint32_t last_seq = 0;
  int connects = 0;
  std::optional<int> left;

 private:
  void deliver(const Envelope& envelope) {
    const Frames frames = encode(envelope);
    const Decoded decoded = decode(frames.head, frames.blob);
    REQUIRE(std::holds_alternative<Envelope>(decoded));
    act([&](Outbox& out) { session.step(now, std::get<Envelope>(decoded), out); });
  }

  void take(Action& action) {
    if (const auto* send = std::get_if<Send>(&action)) return keep(send->envelope);
    if (std::holds_alternative<Connect>(action)) return static_cast<void>(++connects);
    if (const auto* say = std::get_if<Say>(&action)) return lines.push_back(say->text);
    if (const auto* leave = std::get_if<Leave>(&action)) return static_cast<void>(left = leave->code);
    if (std::holds_alternative<Obey>(action)) return;
    if (const auto* run = std::get_if<RunTasks>(&action)) tickets[run->lease] = run->ticket;
    orders.push_back(std::move(action));
  }

  void keep(const Envelope& envelope) {
    const Frames frames = encode(envelope);
    const Decoded decoded = decode(frames.head, frames.blob);
    REQUIRE(std::holds_alternative<Envelope>(decoded));
    CHECK(std::get<Envelope>(decoded) == envelope);
    if (const auto* hello = std::get_if<Hello>(&envelope.message)) last_hello_no = hello->hello_no;
    last_seq = envelope.seq;
    messages.push_back(envelope);
  }

  std::uint32_t session_number_ = 100;
  std::uint32_t broker_seq_ = 0;
};

}  // namespace stint::worker
