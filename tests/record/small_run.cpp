#include "tests/record/small_run.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

#include "broker/shell/intake.hpp"
#include "tests/disk/disk.hpp"

namespace stint::broker {
namespace {

class SmallRun {
 public:
  SmallRun(const std::string& path, std::uint64_t most_bytes, const Options& options = quick(), Disk disk = {})
      : disk_(std::move(disk)),
        durable_(options.durable),
        core_(options),
        recorder_(path, most_bytes, options),
        intake_(core_, &recorder_) {
    if (durable_) tell(input::Restored{now_, disk_.found()});
  }

  void greet(PeerId peer, Hello hello) {
    hello.incarnation = Incarnation{0x5EED'0000U + value(peer)};
    hello.hello_no = 1;
    step(peer, {SessionId{}, 0, std::move(hello)});
  }

  void say(PeerId peer, Message message) { step(peer, {sessions_[peer], ++said_[peer], std::move(message)}); }

  void let_pass(Duration duration) {
    now_ += duration;
    tell(input::Drained{now_});
    tell(input::Tick{now_});
  }

  void tell(Input input) {
    intake_.tell(input, out_);
    for (bool quiet = false; !quiet;) {
      std::optional<CommitId> upto;
      for (const Action& action : out_.take()) {
        if (const auto* send = std::get_if<Send>(&action)) take(*send);
        if (const auto* store = std::get_if<Store>(&action)) {
          upto = store->commit;
          if (durable_) disk_.apply(store->change);
        }
        if (const auto* fetch = std::get_if<Fetch>(&action)) fetched_.push_back(disk_.fetch(fetch->wanted));
      }
      for (Fetched& fetched : std::exchange(fetched_, {})) intake_.tell(input::Fetched{std::move(fetched)}, out_);
      if (upto) intake_.tell(input::Committed{*upto}, out_);
      quiet = out_.empty();
    }
  }

  // All that the worker holds, as it should end.
  void finish(PeerId worker, bool well) {
    while (!held_.empty()) {
      const Tasks tasks = std::move(held_.back());
      held_.pop_back();
      OutcomesBuilder outcomes;
      BatchCursor task(tasks.tasks);
      for (std::uint32_t i = 0; i < tasks.indices.count(); ++i, task.next()) {
        if (well) outcomes.done(tasks.indices.at(i), std::string(task.view()) + "!", 100 + i);
        if (!well) outcomes.not_done(tasks.indices.at(i), Failure::rejected, task.view(), "no", 7);
      }
      say(worker, LeaseResults{tasks.lease, outcomes.take()});
    }
  }

  void forget_what_is_held() { held_.clear(); }
  TimePoint now() const { return now_; }
  Broker& core() { return core_; }
  record::Recorder& recorder() { return recorder_; }
  const Disk& disk() const { return disk_; }

  static Options quick() {
    Options options;
    options.store = StoreId{17};
    options.heartbeat = 100ms;
    return options;
  }

 private:
  void step(PeerId peer, Envelope envelope) { tell(input::Step{now_, peer, std::move(envelope)}); }

  void take(const Send& send) {
    if (std::holds_alternative<Welcome>(send.envelope.message)) sessions_[send.to] = send.envelope.session;
    if (const auto* tasks = std::get_if<Tasks>(&send.envelope.message)) held_.push_back(*tasks);
  }

  Disk disk_;
  bool durable_;
  std::vector<Fetched> fetched_;
  Broker core_;
  record::Recorder recorder_;
  Intake intake_;
  Outbox out_;
  TimePoint now_ = TimePoint{} + 1h;
  std::map<PeerId, SessionId> sessions_;
  std::map<PeerId, std::uint32_t> said_;
  std::vector<Tasks> held_;
};

Batch batch_of(const std::vector<std::string>& payloads) {
  BatchBuilder batch;
  for (const std::string& payload : payloads) batch.add(payload);
  return batch.take();
}

}  // namespace

void record_small_run(const std::string& path, std::uint64_t most_bytes, std::string* news,
                      const std::function<void(Broker&, record::Recorder&)>& midway) {
  constexpr PeerId kAnn{1};
  constexpr PeerId kWorker{2};
  constexpr PeerId kOther{3};
  SmallRun run(path, most_bytes);
  run.tell(input::Subscribed{run.now(), "job.", true});
  Hello worker;
  worker.role = Role::worker;
  worker.name = "w";
  worker.kinds = {"echo"};
  worker.slots = 2;
  run.greet(kAnn, {});
  run.greet(kWorker, worker);
  JobOptions job;
  job.kind = "echo";
  job.key = "k";
  job.context = kSecret;
  job.results = ResultsPolicy::keep;
  run.say(kAnn, Open{RequestId{1}, job});
  run.say(kAnn, Submit{JobId{1}, 0, false, batch_of({"", "a", "bc", "def", "four", "five!", std::string(kSecret)})});
  run.let_pass(1ms);
  run.finish(kWorker, true);
  if (midway) midway(run.core(), run.recorder());
  run.say(kAnn, Submit{JobId{1}, 7, true, batch_of({std::string(10'000, 'x'), std::string(10'000, 'y')})});
  run.finish(kWorker, false);
  Error error;
  error.re_seq = 99;
  error.code = ErrorCode::malformed;
  error.text = "that was none";
  run.tell(input::Refused{run.now(), kOther, SessionId{}, error});
  run.tell(input::Unreachable{run.now(), kOther});
  run.say(kAnn, Submit{JobId{1}, 9, true, batch_of({"lost"})});
  for (int i = 0; i < 5; ++i) {  // the worker is lost with it
    run.say(kAnn, Heartbeat{});
    run.let_pass(100ms);
  }
  run.forget_what_is_held();
  run.greet(kOther, worker);
  run.finish(kOther, true);
  run.say(kAnn, Close{JobId{1}, 10});
  run.let_pass(5ms);
  run.tell(input::ShutDown{run.now()});
  if (news != nullptr) *news = run.recorder().news().value_or("");
  run.recorder().end("the broker has ended");
}

void record_restart(const std::string& before, const std::string& after) {
  constexpr PeerId kAnn{1};
  constexpr PeerId kWorker{2};
  Hello worker;
  worker.role = Role::worker;
  worker.name = "w";
  worker.kinds = {"echo"};
  worker.slots = 2;
  Options options = SmallRun::quick();
  options.durable = true;
  SmallRun first(before, limits::kRecordBytes, options);
  first.greet(kAnn, {});
  first.greet(kWorker, worker);
  JobOptions job;
  job.kind = "echo";
  job.key = "k";
  job.context = kSecret;
  job.results = ResultsPolicy::keep;
  first.say(kAnn, Open{RequestId{1}, job});
  first.say(kAnn, Submit{JobId{1}, 0, true, batch_of({"a", std::string(kSecret), "c"})});
  first.let_pass(1ms);
  first.finish(kWorker, false);
  first.say(kAnn, Submit{JobId{1}, 3, true, batch_of({"d", std::string(kSecret)})});
  first.let_pass(1ms);
  first.recorder().end("the broker was killed");

  ++options.epoch;
  SmallRun second(after, limits::kRecordBytes, options, first.disk());
  second.greet(kAnn, {});
  second.greet(kWorker, worker);
  second.tell(input::StoreFull{"the disk is full"});
  second.say(kAnn, Attach{JobId{1}, ReaderId{}, true, false, 0, 100, limits::kMiB});
  for (int i = 0; i < 4; ++i) {  // nobody comes back with what was handed out
    second.say(kAnn, Heartbeat{});
    second.say(kWorker, Heartbeat{});
    second.let_pass(100ms);
  }
  second.finish(kWorker, true);
  second.tell(input::StoreFull{});
  second.say(kAnn, Open{RequestId{1}, job});
  second.say(kAnn, Close{JobId{1}, 5});
  second.let_pass(5ms);
  second.tell(input::ShutDown{second.now()});
  second.recorder().end("the broker has ended");
}

std::string contents(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TempDirectory::TempDirectory() {
  std::string name = std::filesystem::temp_directory_path() / "stint-XXXXXX";
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TempDirectory::~TempDirectory() { std::filesystem::remove_all(path_); }

}  // namespace stint::broker
