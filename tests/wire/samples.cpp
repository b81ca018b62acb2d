#include "tests/wire/samples.hpp"

namespace stint::test {
namespace {

constexpr JobId kJob{7};
constexpr LeaseId kLease{(std::uint64_t{3} << 40) | 41};
constexpr RequestId kRequest{12};

JobOptions some_options() {
  JobOptions options;
  options.kind = "resize";
  options.name = "Ferienbilder \xC3\xA4";
  options.key = "k-1";
  options.priority = -5;
  options.max_attempts = 7;
  options.max_losses = 2;
  options.time_limit = std::chrono::milliseconds(1'500);
  options.backoff_base = std::chrono::milliseconds(20);
  options.backoff_cap = std::chrono::milliseconds(900);
  options.context = std::string("\0\xFF context", 10);
  options.results = ResultsPolicy::keep;
  options.order = true;
  options.on_writer_gone = WriterGone::cancel;
  options.max_failures = 1'000'000;
  return options;
}

Row some_row() {
  return {{"job", std::uint64_t{7}},
          {"name", std::string("a\nb")},
          {"delta", std::int64_t{-3}},
          {"rate", 12.5},
          {"paused", true},
          {"kinds", std::vector<std::string>{"resize", "crop"}}};
}

}  // namespace

Batch some_batch() {
  BatchBuilder builder;
  builder.add("one");
  builder.add("");
  builder.add(std::string(300, 'x'));
  return builder.take();
}

Outcomes some_outcomes() {
  OutcomesBuilder builder;
  builder.done(4, "fine", 120);
  builder.not_done(9, Failure::failed, "half", "exit 3", 7'000'000, 3, 0);
  builder.done(6, "", 0);
  builder.not_done(7, Failure::timed_out, "", "over its time limit", 5, 0, 15);
  return builder.take();
}

std::vector<Envelope> sample_of_each_message() {
  const std::vector<Message> messages{
      Hello{Role::worker,
            "anvil",
            Incarnation{0xFEDC'BA98'7654'3210},
            2,
            StoreId{5},
            9,
            {"resize", "crop"},
            4,
            true,
            {{kLease, kJob, {{0, 3}, {8, 1}}}, {LeaseId{2}, JobId{1}, {{5, 5}}}}},
      Welcome{2, 9, StoreId{5}, 3, "anvil-2", 2'000, 3, 8'388'608, 262'144, 16'777'216, {{kLease, {{8, 1}}}}},
      HelloAgain{"the session is unknown"},
      Heartbeat{2, 60, 17, 5'000},
      Bye{"drained", 500},
      Error{4, ErrorCode::conflict, true, "the key belongs to another job", 99, kRequest, kJob},
      Open{kRequest, some_options(), kJob},
      Opened{kRequest, kJob, 1'000, 64'000, 132'072, 16'841'216, JobState::paused, true, 0xDEAD'BEEF},
      Submit{kJob, 1'000, true, some_batch()},
      Accepted{kJob, 1'003, 132'075, 16'841'519, 0xCAFE'F00D, true, "the disk is full: make room"},
      Close{kJob, 1'003},
      Attach{kJob, ReaderId{2}, false, true, 10, 65'546, 16'777'216, 3},
      Detach{kJob},
      JobResults{kJob, 10, 2, "anvil", some_outcomes(), 3},
      Ack{kJob, 14, 65'550},
      JobStatus{kJob, JobState::cancelled, {1, 2, 3, 4, 5, 6}, ReaderId{2}, 15, "cancelled by a client", 3},
      JobInfo{kJob, true, "resize", "Ferienbilder", "context", 1'500, true},
      Tasks{kLease, kJob, Indices({3, 5, 6}), 2, Suspicion::alone, some_batch()},
      LeaseResults{kLease, some_outcomes()},
      ResultsAck{17},
      Recall{kLease, {{5, 2}}, RecallMode::stop},
      Release{kLease, {{5, 2}, {9, 1}}},
      Drain{30'000},
      Progress{kLease, 5, 0.25, "page 3 of 12"},
      State{{"crop"}, 2, true},
      Command{kRequest, "drain", "job", {"anvil", "tongs"}, "resize", 2, true, 30'000, -7},
      Done{kRequest, {"anvil"}},
      Query{kRequest, "jobs", "7", 3, 20},
      Answer{kRequest, {some_row(), {{"job", std::uint64_t{8}}}}, 21}};
  std::vector<Envelope> envelopes;
  for (const Message& message : messages) {
    envelopes.push_back({SessionId{0x0102'0304}, static_cast<std::uint32_t>(envelopes.size() + 1), message});
  }
  return envelopes;
}

Event sample_event() { return {"job.7.", "progress", 3, StoreId{5}, 12, some_row()}; }

}  // namespace stint::test
