#include "worker/runtime/runtime.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <utility>

#include "common/model/escape.hpp"
#include "common/model/limits.hpp"
#include "common/net/allocator.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/random.hpp"

namespace stint::worker {
namespace {

std::string broker_of(const WorkerOptions& options) {
  if (!options.broker.empty()) return options.broker;
  const char* environment = std::getenv("STINT_BROKER");
  return environment != nullptr && *environment != '\0' ? environment : "tcp://127.0.0.1:5555";
}

unsigned clamped(unsigned slots) { return std::clamp(slots, 1U, static_cast<unsigned>(limits::kMaxSlots)); }

}  // namespace

Runtime::Runtime(WorkerOptions options) : options_(std::move(options)), slots_(clamped(options_.slots)) {}

void Runtime::add(std::string_view kind, Handler handler) {
  if (kind.empty() || kind.size() > limits::kMaxNameBytes) {
    throw std::invalid_argument("a kind has 1 to " + std::to_string(limits::kMaxNameBytes) + " bytes, this one has " +
                                std::to_string(kind.size()));
  }
  const std::lock_guard lock(mutex_);
  if (handlers_.size() == limits::kMaxKinds && !handlers_.contains(kind)) {
    throw std::invalid_argument("a worker offers at most " + std::to_string(limits::kMaxKinds) + " kinds");
  }
  if (handlers_.empty()) first_kind_ = kind;
  handlers_[std::string(kind)] = std::make_shared<const Handler>(std::move(handler));
  wishes_.offer = true;
  wakeup_->wake();
}

void Runtime::remove(std::string_view kind) {
  const std::lock_guard lock(mutex_);
  const auto at = handlers_.find(kind);
  if (at == handlers_.end()) return;
  handlers_.erase(at);
  wishes_.offer = true;
  wakeup_->wake();
}

void Runtime::set_slots(unsigned slots) {
  const std::lock_guard lock(mutex_);
  slots_ = clamped(slots);
  wishes_.offer = true;
  wakeup_->wake();
}

void Runtime::drain(Duration deadline) {
  const std::lock_guard lock(mutex_);
  wishes_.drain = true;
  wishes_.deadline = deadline;
  wakeup_->wake();
}

Wishes Runtime::take_wishes() {
  const std::lock_guard lock(mutex_);
  return std::exchange(wishes_, {});
}

std::vector<std::string> Runtime::kinds() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> kinds;
  for (const auto& [kind, handler] : handlers_) kinds.push_back(kind);
  return kinds;
}

unsigned Runtime::slots() const {
  const std::lock_guard lock(mutex_);
  return slots_;
}

std::shared_ptr<const Handler> Runtime::handler_of(const std::string& kind) const {
  const std::lock_guard lock(mutex_);
  const auto at = handlers_.find(kind);
  return at == handlers_.end() ? nullptr : at->second;
}

// Names come from strangers, so nothing reaches the terminal as it is.
void Runtime::say(const std::string& line) const {
  const std::string text = escaped(line);
  if (options_.log) return options_.log(text);
  std::cerr << options_.program + ": " + text + "\n" << std::flush;
}

int Runtime::run() {
  if (kinds().empty()) {
    say("this worker offers no kind of task, so it would never get one: call on() before run()");
    return kExitUsage;
  }
  if (!options_.try_payload) return serve();
  const std::string kind = options_.try_kind.empty() ? first_kind_ : options_.try_kind;
  const auto handler = handler_of(kind);
  if (handler != nullptr) return try_out(options_, kind, *handler);
  std::string known;
  for (const std::string& each : kinds()) known += (known.empty() ? "" : ", ") + each;
  say("there is no handler for kind '" + kind + "' to try; there is one for: " + known);
  return kExitUsage;
}

int Runtime::serve() try {
  if (options_.handle_signals) tune_allocator();
  const SessionOptions options{.broker = broker_of(options_),
                               .name = options_.name,
                               .kinds = kinds(),
                               .slots = slots(),
                               .incarnation = Incarnation{random_bits()},
                               .random = random_bits()};
  int code = kExitOk;
  bool stuck = false;
  {
    Loop loop(*this, options, static_cast<zmq::context_t*>(options_.zmq_context), wakeup_, options_.handle_signals);
    code = loop.run();
    stuck = loop.is_stuck();
  }
  // A handler that never returns would still run while main() takes down what it uses.
  if (stuck && options_.handle_signals) {
    std::cout.flush();
    std::_Exit(code);
  }
  return code;
} catch (const EndpointError& error) {
  say(error.what());
  return kExitUsage;
}

}  // namespace stint::worker

namespace stint {

Worker::Worker(WorkerOptions options) : runtime_(std::make_unique<worker::Runtime>(std::move(options))) {}
Worker::~Worker() = default;

void Worker::add(std::string_view kind, Handler handler) { runtime_->add(kind, std::move(handler)); }
void Worker::off(std::string_view kind) { runtime_->remove(kind); }
void Worker::set_slots(unsigned slots) { runtime_->set_slots(slots); }
int Worker::run() { return runtime_->run(); }
void Worker::drain(std::chrono::milliseconds deadline) { runtime_->drain(deadline); }

}  // namespace stint
