#include "broker/shell/shell.hpp"

#include <spdlog/logger.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "common/model/escape.hpp"
#include "common/net/clock.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/wait.hpp"

namespace stint::broker {
namespace {

// Replies to somebody who has no session are not covered by a window; they repeat themselves when asked again, so some
// may be left out.
bool may_be_left_out(const Envelope& envelope) {
  if (envelope.session != SessionId{}) return false;
  return std::holds_alternative<HelloAgain>(envelope.message) || std::holds_alternative<Error>(envelope.message);
}

// On which somebody waits. Of many together, a waking more or less does not count.
bool moves_lone_task(const Message& message) {
  if (const auto* tasks = std::get_if<Tasks>(&message)) return tasks->indices.count() == 1;
  const auto* results = std::get_if<JobResults>(&message);
  return results != nullptr && results->outcomes.count() == 1;
}

bool keeps_lone_task(const Change& change) {
  if (const auto* tasks = std::get_if<AppendTasks>(&change)) return tasks->tasks.count() == 1;
  const auto* outcomes = std::get_if<AppendOutcomes>(&change);
  return outcomes != nullptr && outcomes->ended.count() == 1;
}

#ifdef NDEBUG
constexpr bool kChecksWholeLedger = false;
#else
constexpr bool kChecksWholeLedger = true;
#endif
constexpr std::size_t kCheckedPerTurn = 64;  // jobs, leases and workers

constexpr Duration kStayAwake = std::chrono::microseconds(400);  // for an answer or a commit, if the last one came within that

constexpr std::size_t kCrowd = 1'000;                          // Of so many peers or more, while no job is open ...
constexpr Duration kCrowdDelay = std::chrono::milliseconds(5);  // ... messages wait so long for company, if the last were heartbeats.

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::unique_ptr<record::Recorder> recorder_for(const ShellOptions& options, spdlog::logger& logger) {
  if (options.record.empty()) return nullptr;
  auto recorder = std::make_unique<record::Recorder>(options.record, options.record_bytes, options.core);
  logger.info("recording what the core is told in {}, up to {} bytes: payloads as sizes and checksums, names as they are",
              escaped(options.record), options.record_bytes);
  return recorder;
}

}  // namespace

Shell::Shell(zmq::context_t& context, const ShellOptions& options, StoreInterface& store, spdlog::logger& logger,
             Found found)
    : options_(options),
      store_(store),
      logger_(logger),
      router_(context, options),
      publisher_(context, options),
      found_(std::move(found)),
      core_(options.core),
      recorder_(recorder_for(options, logger)),
      intake_(core_, recorder_.get()) {}

bool Shell::run(Signals* signals) {
  turn_ = now();
  if (options_.core.durable) {
    intake_.tell(input::Restored{turn_, std::exchange(found_, {})}, out_);
    carry_out();
  }
  while (!finished_) {
    if (!more_to_read_) wait_for_work(signals);
    const int asked = times_asked(signals);
    if (asked >= 2) return false;
    turn(asked);
  }
  if (recorder_ != nullptr) recorder_->end("the broker has ended");
  router_.close();
  publisher_.close();
  return true;
}

void Shell::stop() noexcept {
  ++stops_;
  wakeup_.wake();
}

// Never longer than a heartbeat interval, whatever the core says: what it waits for may depend on time that has passed
// unseen. Of many who only beat, each waking would be dearer than what it brings.
void Shell::wait_for_work(const Signals* signals) {
  const TimePoint begun = now();
  const TimePoint latest = begun + options_.core.heartbeat;
  const TimePoint deadline = std::min({latest, leave_by_, core_.next_deadline().value_or(latest)});
  const int signal_fd = signals == nullptr ? -1 : signals->fd();
  const bool is_crowd_idle = only_heartbeats_ && core_.peers() >= kCrowd && !core_.has_open_jobs();
  if (is_crowd_idle && wait({wakeup_.fd(), signal_fd}, std::min(deadline, begun + kCrowdDelay))) return;
  const bool stays_awake = answer_.is_worth_waiting() || commit_.is_worth_waiting();
  wait({router_.socket(), publisher_.socket(), wakeup_.fd(), store_.fd(), signal_fd}, deadline,
       stays_awake ? kStayAwake : Duration::zero());
  const bool was_short = now() - begun < kStayAwake;
  answer_.settle(was_short);
  commit_.settle(was_short);
}

int Shell::times_asked(Signals* signals) {
  wakeup_.clear();
  if (signals == nullptr) return stops_;
  signals->clear();
  return stops_ + signals->count();
}

void Shell::turn(int asked) {
  turn_ = now();
  strangers_.new_turn();
  if (asked > 0 && !leaving_) begin_to_leave();
  take_subscriptions();
  take_messages();
  intake_.tell(input::Tick{turn_}, out_);
  check_ledger();
  carry_out();
  if (turn_ >= leave_by_) finished_ = true;
  if (recorder_ == nullptr) return;
  if (const auto news = recorder_->news()) logger_.warn("{}", *news);
}

// The whole of it, in builds for developers; of a large one so seldom that it costs no more than a small one. In release builds the
// core checks what each message has stirred.
void Shell::check_ledger() {
  if (!kChecksWholeLedger || ++turns_unchecked_ * kCheckedPerTurn < core_.ledger_size()) return;
  turns_unchecked_ = 0;
  core_.check_invariants();
}

void Shell::begin_to_leave() {
  leaving_ = true;
  leave_by_ = turn_ + limits::kShutDown;
  logger_.info("leaving: saying goodbye to {} peers", core_.peers());
  intake_.tell(input::ShutDown{turn_}, out_);
}

void Shell::take_subscriptions() {
  for (std::size_t i = 0; i < limits::kTurnSubscriptions; ++i) {
    const std::optional<SubscriptionChange> change = publisher_.receive();
    if (!change) return;
    intake_.tell(input::Subscribed{turn_, change->topic, change->on}, out_);
  }
}

// ZeroMQ takes from the peers in turn, so as many messages as there are peers is a turn for each.
void Shell::take_messages() {
  const std::size_t most = std::clamp(core_.peers(), limits::kTurnMessagesMin, limits::kTurnMessagesMax);
  std::uint64_t bytes = 0;
  more_to_read_ = true;
  only_heartbeats_ = true;
  for (std::size_t i = 0; i < most && bytes < limits::kTurnBytes; ++i) {
    std::optional<Mail> mail = router_.receive();
    if (!mail) {
      more_to_read_ = false;
      break;
    }
    bytes += mail->bytes();
    ++read_since_drained_;
    take(std::move(*mail));
  }
  if (!more_to_read_ || read_since_drained_ >= core_.peers()) {
    intake_.tell(input::Drained{turn_}, out_);
    read_since_drained_ = 0;
  }
}

// In memory each message is acted on before the next is looked for, so that others begin while we go on. On a disk all of the turn's are
// committed together.
void Shell::take(Mail mail) {
  if (strangers_.is_cut_off(mail.address)) return;
  if (!mail.peer) return refuse_own_address(mail);
  Decoded decoded = std::move(mail.incoming).decode();
  if (const auto* error = std::get_if<DecodeError>(&decoded)) return refuse(mail, *error);
  Envelope& envelope = std::get<Envelope>(decoded);
  only_heartbeats_ = only_heartbeats_ && std::holds_alternative<Heartbeat>(envelope.message);
  intake_.tell(input::Step{turn_, *mail.peer, std::move(envelope)}, out_);
  if (!options_.core.durable) carry_out();
}

void Shell::refuse(const Mail& mail, const DecodeError& error) {
  if (!strangers_.blame(mail.address)) return;
  logger_.debug("refused a message that is {}: {}", info(error.code).name, escaped(error.text));
  Error reply;
  reply.re_seq = error.seq;
  reply.code = error.code;
  reply.text = error.text;
  reply.expected = error.expected;
  reply.req = error.req;
  reply.job = error.job;
  reply.retryable = info(error.code).retryable;
  if (mail.peer) {
    intake_.tell(input::Refused{turn_, *mail.peer, error.session, std::move(reply)}, out_);
  } else {
    router_.send(mail.address, {SessionId{}, 0, std::move(reply)});
  }
  if (strangers_.is_cut_off(mail.address)) {
    logger_.warn("ignoring a peer from now on: {} of its messages were malformed, the last because {}",
                 limits::kTolerated, escaped(error.text));
  }
}

void Shell::refuse_own_address(const Mail& mail) {
  DecodeError error;
  error.code = ErrorCode::bad_value;
  error.text =
      "this connection brings a routing id of its own; leave ZMQ_ROUTING_ID unset, and say who you are in HELLO";
  refuse(mail, error);
}

// Sending can show that a peer is gone, and a commit can lead to more to say: repeated until nothing is left.
void Shell::carry_out() {
  for (bool quiet = false; !quiet;) {
    for (Action& action : out_.take()) std::visit([this](auto& what) { carry_out(what); }, action);
    StoreNews news = store_.news();
    if (news.committed) intake_.tell(input::Committed{*news.committed}, out_);
    for (Fetched& fetched : news.fetched) intake_.tell(input::Fetched{std::move(fetched)}, out_);
    if (news.full) intake_.tell(input::StoreFull{std::move(*news.full)}, out_);
    quiet = out_.empty();
  }
}

void Shell::carry_out(Send& action) {
  if (may_be_left_out(action.envelope) && !strangers_.may_reply()) return;
  answer_.is_there |= moves_lone_task(action.envelope.message);
  if (!router_.send(action.to, action.envelope)) intake_.tell(input::Unreachable{turn_, action.to}, out_);
}

void Shell::carry_out(Store& action) {
  commit_.is_there |= keeps_lone_task(action.change);
  store_.append(action.commit, std::move(action.change));
}

void Shell::carry_out(Log& action) { logger_.log(to_spdlog(action.level), "{}", action.text); }

}  // namespace stint::broker
