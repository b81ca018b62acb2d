// What one task costs the broker's core to accept, to hand out and to complete: by how many come in one message, and by
// how many are queued. Reads no socket and encodes nothing; `stint bench` measures the whole.
//
//   build/release/tests/stint_core_bench --benchmark_filter=accept
#include <benchmark/benchmark.h>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "broker/core/broker.hpp"

namespace stint::broker {
namespace {

constexpr PeerId kClientAddress{1};
constexpr PeerId kWorkerAddress{2};
constexpr std::uint32_t kSlots = 4'096;
constexpr std::size_t kTaskBytes = 64;

// A broker with one client, one job and one worker, whose messages are made by hand.
class Bench {
 public:
  Bench() : broker_(options()) {
    greet(kClientAddress, Role::client, Incarnation{1});
    greet(kWorkerAddress, Role::worker, Incarnation{2});
    Open open;
    open.req = RequestId{1};
    open.options.kind = "echo";
    open.options.key = "bench";
    open.options.results = ResultsPolicy::discard;
    say(kClientAddress, std::move(open));
  }

  void say(PeerId from, Message message) {
    auto& [session, sent] = from == kClientAddress ? client_ : worker_;
    step(from, {session, ++sent, std::move(message)});
  }

  void submit(const Batch& tasks) {
    const Index first = std::exchange(written_, written_ + tasks.count());
    say(kClientAddress, Submit{JobId{1}, first, true, tasks});
  }
  void pause() { command("pause"); }
  void resume() { command("resume"); }

  void fill(std::uint64_t tasks, const Batch& batch) {
    for (std::uint64_t i = 0; i < tasks; i += batch.count()) submit(batch);
  }
  std::vector<Tasks> take_handed_out() { return std::exchange(handed_out_, {}); }

 private:
  struct Line {
    SessionId session{};
    std::uint32_t sent = 0;
  };

  static Options options() {
    Options options;
    options.store = StoreId{1};
    options.backlog_bytes = 64 * 1024 * limits::kMiB;
    return options;
  }

  void command(const std::string& verb) {
    Command command;
    command.req = RequestId{++requests_};
    command.verb = verb;
    command.selector = "1";
    say(kClientAddress, std::move(command));
  }

  void greet(PeerId from, Role role, Incarnation incarnation) {
    Hello hello;
    hello.role = role;
    hello.incarnation = incarnation;
    hello.hello_no = 1;
    if (role == Role::worker) hello.kinds = {"echo"}, hello.slots = kSlots;
    step(from, {SessionId{}, 0, std::move(hello)});
  }

  void step(PeerId from, const Envelope& envelope) {
    broker_.step(now_, from, envelope, out_);
    while (!out_.empty()) {
      std::optional<CommitId> commit;
      for (Action& action : out_.take()) {
        if (const auto* store = std::get_if<Store>(&action)) commit = store->commit;
        if (auto* send = std::get_if<Send>(&action)) receive(*send);
      }
      if (commit) broker_.committed(*commit, out_);
    }
  }

  void receive(Send& send) {
    if (std::holds_alternative<Welcome>(send.envelope.message)) {
      (send.to == kClientAddress ? client_ : worker_) = {send.envelope.session, 0};
    }
    if (auto* tasks = std::get_if<Tasks>(&send.envelope.message)) handed_out_.push_back(std::move(*tasks));
  }

  Broker broker_;
  Outbox out_;
  TimePoint now_{};
  Line client_;
  Line worker_;
  Index written_ = 0;
  std::uint64_t requests_ = 1;
  std::vector<Tasks> handed_out_;
};

Batch batch_of(std::int64_t tasks) {
  BatchBuilder batch;
  for (std::int64_t i = 0; i < tasks; ++i) batch.add(std::string(kTaskBytes, 'x'));
  return batch.take();
}

// The results of what was handed out, in messages of at most `most` tasks.
std::vector<LeaseResults> results_of(const std::vector<Tasks>& handed_out, std::uint32_t most) {
  std::vector<LeaseResults> all;
  for (const Tasks& tasks : handed_out) {
    OutcomesBuilder outcomes;
    for (std::uint32_t i = 0; i < tasks.indices.count(); ++i) {
      outcomes.done(tasks.indices.at(i), "", 1);
      if (outcomes.count() == most || i + 1 == tasks.indices.count()) all.push_back({tasks.lease, outcomes.take()});
    }
  }
  return all;
}

void accept(benchmark::State& state) {
  const Batch batch = batch_of(state.range(0));
  const auto queued = static_cast<std::uint64_t>(state.range(1));
  const std::uint64_t most = std::max<std::uint64_t>(queued / 8, batch.count());  // what may come on top of it
  std::unique_ptr<Bench> bench;
  std::uint64_t more = most;
  for (auto _ : state) {
    if (more + batch.count() > most && more > 0) {
      state.PauseTiming();
      bench = std::make_unique<Bench>();
      bench->pause();
      bench->fill(queued, batch);
      more = 0;
      state.ResumeTiming();
    }
    bench->submit(batch);
    more += batch.count();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Both need a worker that has nothing, and then everything that fits into its slots.
void run_both(benchmark::State& state, bool time_dispatch) {
  const Batch batch = batch_of(state.range(0));
  Bench bench;
  bench.pause();
  bench.fill(static_cast<std::uint64_t>(state.range(1)), batch);
  std::int64_t tasks = 0;
  for (auto _ : state) {
    state.PauseTiming();
    bench.fill(kSlots, batch);
    if (time_dispatch) state.ResumeTiming();
    bench.resume();
    if (time_dispatch) state.PauseTiming();
    bench.pause();
    const std::vector<LeaseResults> results =
        results_of(bench.take_handed_out(), static_cast<std::uint32_t>(state.range(0)));
    if (!time_dispatch) state.ResumeTiming();
    for (const LeaseResults& each : results) bench.say(kWorkerAddress, each);
    if (time_dispatch) state.ResumeTiming();
    for (const LeaseResults& each : results) tasks += each.outcomes.count();
  }
  state.SetItemsProcessed(tasks);
}

void dispatch(benchmark::State& state) { run_both(state, true); }
void complete(benchmark::State& state) { run_both(state, false); }

void ranges(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"batch", "queued"});
  for (const std::int64_t batch : {1, 100, 10'000}) benchmark->Args({batch, 10'000});
  for (const std::int64_t queued : {100'000, 1'000'000, 10'000'000}) benchmark->Args({100, queued});
}

BENCHMARK(accept)->Apply(ranges);
BENCHMARK(dispatch)->Apply(ranges)->Unit(benchmark::kMicrosecond);
BENCHMARK(complete)->Apply(ranges)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace stint::broker

BENCHMARK_MAIN();
