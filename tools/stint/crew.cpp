#include "tools/stint/crew.hpp"

#include <cstdlib>
#include <future>
#include <iostream>

#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "common/net/wait.hpp"

namespace stint::tool {

Crew::~Crew() {
  for (std::thread& thread : threads_) thread.join();
}

void Crew::start(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  ++working_;
  threads_.emplace_back([this, work = std::move(work)] { run(work); });
}

void Crew::run(const std::function<void()>& work) {
  std::exception_ptr failure;
  try {
    work();
  } catch (...) {
    failure = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  --working_;
  if (!failure_) failure_ = failure;
  wakeup_.wake();
}

Crew::News Crew::wait(TimePoint deadline) {
  for (;;) {
    signals_.clear();
    wakeup_.clear();
    if (signals_.count() > signals_told_) return ++signals_told_, News::interrupted;
    {
      const std::lock_guard lock(mutex_);
      if (failure_) return News::failed;
      if (working_ == 0) return News::all_done;
    }
    if (now() >= deadline) return News::deadline;
    stint::wait({signals_.fd(), wakeup_.fd()}, deadline);
  }
}

std::exception_ptr Crew::failure() {
  const std::lock_guard lock(mutex_);
  return failure_;
}

namespace {

// The wish may outlive the waiting for it, so it shares nothing with us that ends before the process does.
std::future<void> grant(Console& console, std::function<void()> wish) {
  std::promise<void> granted;
  std::future<void> future = granted.get_future();
  std::thread([&console, wish = std::move(wish), granted = std::move(granted)]() mutable {
    try {
      wish();
    } catch (const std::exception&) {
      console.say("the broker could not be asked; it may go on with the job");
    }
    granted.set_value();
  }).detach();
  return future;
}

}  // namespace

void leave(Exit code, Crew& crew, Console& console, std::unique_ptr<Client>& client, std::function<void()> last_wish) {
  const bool is_goodbye_possible = crew.end_progress(now() + limits::kJobPoll);
  console.clear();
  if (last_wish) {
    const std::future<void> granted = grant(console, std::move(last_wish));
    const TimePoint deadline = now() + limits::kLeaveGrace;
    bool is_asked_again = false;
    while (!is_asked_again && now() < deadline && granted.wait_for(limits::kJobPoll) != std::future_status::ready) {
      is_asked_again = crew.wait(now()) == Crew::News::interrupted;
    }
  }
  if (is_goodbye_possible) client.reset();
  std::cout.flush();
  std::_Exit(static_cast<int>(code));
}

}  // namespace stint::tool
