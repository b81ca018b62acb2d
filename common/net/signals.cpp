#include "common/net/signals.hpp"

#include <atomic>
#include <cerrno>

#include "common/model/require.hpp"

namespace stint {
namespace {

// A handler gets no argument of ours, so what it needs is here.
std::atomic<Wakeup*> to_wake{nullptr};
std::atomic<int> received{0};
std::atomic<int> latest{0};
static_assert(std::atomic<Wakeup*>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void handle(int signal) {
  const int kept = errno;
  latest.store(signal);
  received.fetch_add(1);
  if (Wakeup* wakeup = to_wake.load()) wakeup->wake();
  errno = kept;
}

}  // namespace

Signals::Signals() {
  STINT_REQUIRE(to_wake.load() == nullptr);
  received = 0;
  latest = 0;
  to_wake = &wakeup_;
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, &former_term_);
  sigaction(SIGINT, &action, &former_int_);
}

Signals::~Signals() {
  sigaction(SIGTERM, &former_term_, nullptr);
  sigaction(SIGINT, &former_int_, nullptr);
  to_wake = nullptr;
}

int Signals::count() const { return received; }
int Signals::last() const { return latest; }

void ignore_broken_pipes() {
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

}  // namespace stint
