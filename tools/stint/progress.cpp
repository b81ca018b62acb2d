#include "tools/stint/progress.hpp"

#include <algorithm>

#include "common/model/escape.hpp"
#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "common/net/wait.hpp"
#include "tools/show/outcome.hpp"

namespace stint::tool {

ProgressPoll::ProgressPoll(Client& client, Console& console, std::vector<JobId> jobs,
                           std::function<bool()> is_our_doing)
    : client_(client),
      console_(console),
      jobs_(std::move(jobs)),
      is_our_doing_(std::move(is_our_doing)),
      thread_([this] { run(); }) {}

ProgressPoll::~ProgressPoll() {
  stop(now());
  thread_.join();
  console_.clear();
}

bool ProgressPoll::stop(TimePoint deadline) {
  stopped_ = true;
  stop_.wake();
  const Duration patience = std::max(deadline - now(), Duration::zero());
  return is_done_.wait_for(patience) == std::future_status::ready;
}

// What goes wrong here goes wrong in the command's own calls too, and is told there.
void ProgressPoll::run() {
  try {
    for (JobId job : jobs_) follow(job);
  } catch (const ClientError&) {
  }
  done_.set_value();
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

}  // namespace stint::tool
