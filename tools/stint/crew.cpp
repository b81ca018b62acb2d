#include "tools/stint/crew.hpp"

#include <cstdlib>
#include <iostream>
#include <string>

#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "common/net/wait.hpp"
#include "tools/show/text.hpp"
#include "tools/show/outcome.hpp"

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

ProgressPoll::ProgressPoll(Client& client, Console& console, std::vector<JobId> jobs,
                           std::function<bool()> is_our_doing)
    : client_(client),
      console_(console),
      jobs_(std::move(jobs)),
      is_our_doing_(std::move(is_our_doing)),
      thread_([this] { run(); }) {}

ProgressPoll::~ProgressPoll() {
  stopped_ = true;
  stop_.wake();
  thread_.join();
  console_.clear();
}

// What goes wrong here goes wrong in the command's own calls too, and is told there.
void ProgressPoll::run() {
  try {
    for (JobId job : jobs_) follow(job);
  } catch (const ClientError&) {
  }
}

void ProgressPoll::follow(JobId job) {
  while (!stopped_) {
    const std::vector<Row> rows = client_.query("job", std::to_string(value(job)));
    if (rows.empty() || is_over(rows.front())) return;
    console_.progress(now(), gauge_of(rows.front()));
    mind_reason(now(), rows.front());
    stint::wait({stop_.fd()}, now() + limits::kJobPoll);
  }
}

void ProgressPoll::mind_reason(TimePoint now, const Row& row) {
  std::string reason = row.text("reason");
  if (reason != reason_) {
    reason_ = std::move(reason);
    reason_since_ = now;
    reason_told_ = false;
  }
  if (reason_.empty() || reason_told_ || now - reason_since_ < limits::kLastingStall) return;
  if (is_our_doing_ && is_our_doing_()) return;
  reason_told_ = true;
  console_.say("job " + std::to_string(row.number("job")) + " stands still: " + escaped(reason_));
}

void leave(Exit code, Crew& crew, Console& console, std::unique_ptr<Client>& client, std::function<void()> last_wish) {
  console.clear();
  if (last_wish) {
    Wakeup granted;
    std::thread([&] {
      try {
        last_wish();
      } catch (const std::exception&) {
        console.say("the broker could not be asked; it may go on with the job");
      }
      granted.wake();
    }).detach();
    const TimePoint deadline = now() + limits::kLeaveGrace;
    bool impatient = false;
    while (!impatient && now() < deadline &&
           !stint::wait({granted.fd()}, std::min(deadline, now() + limits::kJobPoll))) {
      impatient = crew.wait(now()) == Crew::News::interrupted;
    }
  }
  client.reset();
  std::cout.flush();
  std::_Exit(static_cast<int>(code));
}

}  // namespace stint::tool
