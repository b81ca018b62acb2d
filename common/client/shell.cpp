#include "common/client/shell.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "common/model/limits.hpp"
#include "common/model/require.hpp"
#include "common/net/clock.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/random.hpp"
#include "common/net/wait.hpp"

namespace stint::client {
namespace {

constexpr const char* kDefaultEndpoint = "tcp://127.0.0.1:5555";

std::string endpoint_of(const ClientOptions& options) {
  if (!options.endpoint.empty()) return options.endpoint;
  const char* from_environment = std::getenv("STINT_BROKER");
  return from_environment != nullptr && *from_environment != '\0' ? from_environment : kDefaultEndpoint;
}

// The user's signals are the business of his own threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

TimePoint deadline_of(Timeout timeout) {
  constexpr Timeout long_enough = std::chrono::hours(24 * 365);
  return timeout >= long_enough ? TimePoint::max() : now() + timeout;
}

Shell::Shell(ClientOptions options)
    : options_(std::move(options)),
      endpoint_(endpoint_of(options_)),
      own_context_(options_.zmq_context == nullptr ? std::make_unique<zmq::context_t>(1) : nullptr),
      link_(own_context_ ? *own_context_ : *static_cast<zmq::context_t*>(options_.zmq_context), endpoint_),
      session_({options_.name, Incarnation{random_bits()}, random_bits()}, now()),
      max_payload_bytes_(limits::kMaxPayloadBytes),
      batch_bytes_(limits::kBatchBytes) {}

// --- for users' threads ---

void Shell::start() {
  {
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
  }
  const TimePoint deadline = deadline_of(options_.timeout);
  std::string away;
  {
    std::unique_lock lock(mutex_);
    while (!greeted_ && trouble_ == Trouble::none && now() < deadline) {
      changed_.wait_for(lock, std::min<Duration>(deadline - now(), 1h));
    }
    if (greeted_) return;
    away = turned_away_;
  }
  try {
    check(false);
  } catch (...) {
    stop();
    throw;
  }
  stop();
  if (!away.empty()) throw Unreachable("the broker at " + endpoint_ + " does not let this client in: " + away);
  throw Unreachable("no broker answers at " + endpoint_ +
                    ". Start one there with stint-broker, or name another address with STINT_BROKER=tcp://HOST:PORT");
}

void Shell::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wakeup_.wake();
  if (thread_.joinable()) thread_.join();
}

void Shell::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wakeup_.wake();
}

void Shell::touch(Channel& channel) {
  if (channel.touched_.exchange(true)) return;
  {
    const std::lock_guard lock(mutex_);
    touched_.push_back(channel.identity().handle);
  }
  wakeup_.wake();
}

void Shell::check(bool interruptible) {
  if (interruptible && interrupted_.load(std::memory_order_relaxed)) throw Interrupted("interrupted");
  if (trouble_.load(std::memory_order_acquire) == Trouble::none) return;
  const std::lock_guard lock(mutex_);
  switch (trouble_.load(std::memory_order_relaxed)) {
    case Trouble::none:
      return;
    case Trouble::unreachable:
      throw Unreachable(trouble_text_);
    case Trouble::refused:
      throw Refused(trouble_text_, trouble_code_);
    case Trouble::ended:
      break;
  }
  throw ClientError(trouble_text_);
}

void Shell::interrupt() {
  interrupted_ = true;
  post([this](TimePoint) { notify_all(); });
}

// The handle that users share. With the last copy the job is abandoned, and forgotten once what was written is
// accepted.
std::shared_ptr<Channel> Shell::handle_of(const std::shared_ptr<Channel>& channel) {
  return {channel.get(), [channel](Channel* last) { last->abandon(); }};
}

std::shared_ptr<Channel> Shell::open(JobOptions options) {
  if (options.key.empty()) options.key = draw_key(random_bits(), random_bits());
  Channel::Identity identity{{}, options.key, options.name, options.kind, options.order};
  {
    const std::lock_guard lock(mutex_);
    identity.handle = Handle{++last_handle_};
  }
  const auto channel = std::make_shared<Channel>(shared_from_this(), identity, AttachOptions{});
  auto handle = handle_of(channel);
  post([this, channel, options = std::move(options)](TimePoint now) {
    channels_[channel->identity().handle] = channel;
    session_.open(now, channel->identity().handle, options, out_);
  });
  channel->wait_opened();
  const std::lock_guard lock(mutex_);
  handles_[value(channel->id())] = handle;
  return handle;
}

std::shared_ptr<Channel> Shell::attach(JobId id, Channel::Identity identity, const AttachOptions& options) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(handles_, [](const auto& entry) { return entry.second.expired(); });
    const auto at = handles_.find(value(id));
    if (at != handles_.end()) {
      if (auto known = at->second.lock()) return known;
    }
    identity.handle = Handle{++last_handle_};
  }
  identity.order = identity.order || options.order;
  const auto channel = std::make_shared<Channel>(shared_from_this(), identity, options);
  channel->opened(id, 0);
  auto handle = handle_of(channel);
  post([this, channel, id](TimePoint) {
    channels_[channel->identity().handle] = channel;
    session_.attach(channel->identity().handle, id);
  });
  const std::lock_guard lock(mutex_);
  handles_[value(id)] = handle;
  return handle;
}

Shell::Answer Shell::ask(const std::function<RequestId(TimePoint)>& put) {
  const auto request = std::make_shared<Request>();
  post([this, request, put](TimePoint now) { requests_[put(now)] = request; });
  for (;;) {
    check(false);
    std::unique_lock lock(mutex_);
    if (!request->answer && trouble_ == Trouble::none) changed_.wait_for(lock, 1h);
    if (request->answer) return std::move(*request->answer);
  }
}

std::vector<std::string> Shell::command(Command command) {
  Answer answer =
      ask([this, command = std::move(command)](TimePoint now) { return session_.command(now, command, out_); });
  if (const auto* problem = std::get_if<Problem>(&answer)) raise(*problem);
  return std::get<Done>(std::move(answer)).affected;
}

std::vector<Row> Shell::query(Query query) {
  Answer answer = ask([this, query = std::move(query)](TimePoint now) { return session_.query(now, query, out_); });
  if (const auto* problem = std::get_if<Problem>(&answer)) raise(*problem);
  return std::get<std::vector<Row>>(std::move(answer));
}

// --- the thread ---

void Shell::run() {
  try {
    for (;;) {
      turn();
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) break;
      }
      if (drained_) wait({link_.socket(), wakeup_.fd()}, deadline(now()));
    }
    leave();
    set_trouble(Trouble::ended, "the client has ended: its jobs go on, open() or attach() them with another one");
  } catch (const std::exception& error) {
    set_trouble(Trouble::refused, "the client cannot go on with " + endpoint_ + ": " + error.what());
  }
  notify_all();
  channels_.clear();
  requests_.clear();
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  tasks_.clear();
}

void Shell::turn() {
  const TimePoint present = now();
  wakeup_.clear();
  run_tasks(present);
  serve_touched(present);
  carry_out(present);
  read_socket(present);
  poll_consumed(present);
  session_.tick(present, out_);
  carry_out(present);
  check_patience(present);
}

void Shell::run_tasks(TimePoint now) {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const Task& task : tasks) task(now);
}

void Shell::serve_touched(TimePoint now) {
  std::vector<Handle> touched;
  {
    const std::lock_guard lock(mutex_);
    touched.swap(touched_);
  }
  for (const Handle handle : touched) {
    Channel* channel = find(handle);
    if (channel == nullptr) continue;
    channel->touched_ = false;
    serve(now, *channel);
  }
}

// Takes from a channel what its users left there.
void Shell::serve(TimePoint now, Channel& channel) {
  const Handle handle = channel.identity().handle;
  const Channel::Wishes wishes = channel.take_wishes();
  session_.consumed(now, handle, channel.consumed(), out_);
  if (wishes.detach) {
    session_.detach(now, handle, out_);
    behind_.erase(handle);
  }
  if (wishes.read) session_.read(now, handle, *wishes.read, out_);
  if (wishes.hurry || wishes.abandoned) session_.hurry(handle);
  while (std::optional<Batch> batch = channel.take_batch(session_.appetite(handle))) {
    session_.submit(now, handle, std::move(*batch), out_);
  }
  if (channel.take_close()) session_.close(now, handle, out_);
  channel.set_ack_at(session_.ack_at(handle));
  if (wishes.abandoned && channel.is_empty()) {
    session_.forget(now, handle, out_);
    behind_.erase(handle);
    channels_.erase(handle);
  }
}

void Shell::read_socket(TimePoint now) {
  drained_ = false;
  for (std::size_t i = 0; i < limits::kClientTurnMessages; ++i) {
    std::optional<Decoded> message = link_.receive();
    if (!message) {
      drained_ = true;
      session_.drained(now, out_);
      break;
    }
    if (const auto* envelope = std::get_if<Envelope>(&*message)) session_.step(now, *envelope, out_);
    carry_out(now);
  }
}

// How far readers have come, where they have not said so themselves.
void Shell::poll_consumed(TimePoint now) {
  std::erase_if(behind_, [&](Handle handle) {
    Channel* channel = find(handle);
    if (channel == nullptr) return true;
    session_.consumed(now, handle, channel->consumed(), out_);
    channel->set_ack_at(session_.ack_at(handle));
    return channel->consumed() >= channel->delivered();
  });
}

void Shell::check_patience(TimePoint now) {
  if (!apart_since_ || options_.patience == kForever || now - *apart_since_ < options_.patience) return;
  set_trouble(Trouble::unreachable, "the broker at " + endpoint_ + " has been away for too long. Look whether it runs");
}

TimePoint Shell::deadline(TimePoint now) const {
  TimePoint deadline = session_.next_deadline();
  if (!behind_.empty()) deadline = std::min(deadline, now + limits::kAckDelay);
  if (apart_since_ && options_.patience != kForever && trouble_ == Trouble::none) {
    deadline = std::min(deadline, *apart_since_ + options_.patience);
  }
  return deadline;
}

void Shell::leave() {
  const TimePoint present = now();
  run_tasks(present);
  serve_touched(present);
  poll_consumed(present);
  session_.shut_down(present, out_);
  carry_out(present);
  link_.close(limits::kClientGoodbye);
}

void Shell::notify_all() {
  for (const auto& [handle, channel] : channels_) channel->notify();
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void Shell::set_trouble(Trouble trouble, std::string text) {
  {
    const std::lock_guard lock(mutex_);
    if (trouble_ == trouble) return;
    trouble_text_ = std::move(text);
    trouble_ = trouble;
  }
  notify_all();
}

void Shell::tell(Notice::Kind kind, JobId job, std::string text) {
  if (options_.on_notice) options_.on_notice({kind, job, std::move(text)});
}

Channel* Shell::find(Handle handle) {
  const auto at = channels_.find(handle);
  return at == channels_.end() ? nullptr : at->second.get();
}

// --- what the session wants ---

void Shell::carry_out(TimePoint now) {
  while (!out_.empty()) {
    for (Action& action : out_.take()) {
      std::visit([&](auto& what) { on(now, what); }, action);
    }
  }
}

void Shell::on(TimePoint, const Connect&) { link_.connect(); }

void Shell::on(TimePoint, const Send& send) { link_.send(send.envelope); }

void Shell::on(TimePoint, const Greeted&) {
  const Welcome& welcome = session_.conversation().welcome();
  max_payload_bytes_ = welcome.max_payload_bytes;
  batch_bytes_ = welcome.batch_bytes;
  apart_since_.reset();
  set_trouble(Trouble::none, {});
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    again = std::exchange(greeted_, true);
    changed_.notify_all();
  }
  if (again) tell(Notice::Kind::reconnected, {}, "the broker at " + endpoint_ + " is back");
}

void Shell::on(TimePoint now, const Parted&) {
  if (!apart_since_) apart_since_ = now;
  tell(Notice::Kind::reconnecting, {}, "the broker at " + endpoint_ + " is silent: connecting again");
}

void Shell::on(TimePoint, const TurnedAway& away) {
  {
    const std::lock_guard lock(mutex_);
    turned_away_ = away.text;
    trouble_code_ = away.code;
  }
  if (away.for_good) {
    set_trouble(Trouble::refused, "the broker at " + endpoint_ + " does not let this client in: " + away.text);
  } else {
    tell(Notice::Kind::refused, {}, away.text);
  }
}

void Shell::on(TimePoint, const JobOpened& opened) {
  if (Channel* channel = find(opened.job)) channel->opened(opened.id, opened.resumed);
}

void Shell::on(TimePoint now, const JobAccepted& accepted) {
  Channel* channel = find(accepted.job);
  if (channel == nullptr) return;
  channel->accepted(accepted.next, accepted.closed);
  serve(now, *channel);
}

void Shell::on(TimePoint, const JobStalled& stalled) {
  tell(stalled.reason.empty() ? Notice::Kind::flowing : Notice::Kind::stalled, stalled.id, stalled.reason);
}

void Shell::on(TimePoint, ResultsArrived& results) {
  Channel* channel = find(results.job);
  if (channel == nullptr) return;
  channel->set_ack_at(session_.ack_at(results.job));
  channel->arrived(std::move(results.results));
  behind_.insert(results.job);
}

void Shell::on(TimePoint, const JobReported& reported) {
  if (Channel* channel = find(reported.job)) channel->reported(reported.status);
}

void Shell::on(TimePoint, const JobFailed& failed) {
  if (Channel* channel = find(failed.job)) channel->failed(failed.problem);
}

void Shell::on(TimePoint, Replied& replied) {
  const auto at = requests_.find(replied.request);
  if (at == requests_.end()) return;
  const std::lock_guard lock(mutex_);
  at->second->answer = std::move(replied.answer);
  requests_.erase(at);
  changed_.notify_all();
}

}  // namespace stint::client
