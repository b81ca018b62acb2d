#include "common/client/shell.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/random.hpp"

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

// --- for users' threads; what the client's own thread does stands in shell_thread.cpp ---

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
                    ". Start one there with stint-broker, or name another: --broker tcp://HOST:PORT, or STINT_BROKER in the environment");
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
  // The channel is let go with the last handle: whoever remembers the handle weakly (handles_) keeps this function
  // alive.
  return {channel.get(), [channel = channel](Channel* last) mutable {
            last->abandon();
            channel.reset();
          }};
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
  std::erase_if(handles_, [](const auto& entry) { return entry.second.expired(); });
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

}  // namespace stint::client
