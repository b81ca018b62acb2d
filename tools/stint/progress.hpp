// Asks the broker for the counts of jobs and shows them. When there are several, those of the first that runs. Says why
// a job stands still when that lasts, unless it is known to be our own doing.
//
//   ProgressPoll progress(client, console, {job.id()});
//   ...
//   progress.stop(deadline);   // a bar is no longer drawn; the destructor waits without a deadline
//
// It has a thread of its own, because a question waits while the broker is away, and ^C must not.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "common/model/time.hpp"
#include "common/system/wakeup.hpp"
#include "stint/client.hpp"
#include "tools/stint/console.hpp"

namespace stint::tool {

class ProgressPoll {
 public:
  ProgressPoll(Client& client, Console& console, std::vector<JobId> jobs, std::function<bool()> is_our_doing = {});
  ProgressPoll(const ProgressPoll&) = delete;
  ProgressPoll& operator=(const ProgressPoll&) = delete;
  ~ProgressPoll();

  bool stop(TimePoint deadline);  // false when it still waits for an answer, and so needs the client

 private:
  void run();
  void follow(JobId job);
  void mind_reason(TimePoint now, const Row& row);

  Client& client_;
  Console& console_;
  std::vector<JobId> jobs_;
  std::function<bool()> is_our_doing_;
  std::string reason_;
  TimePoint reason_since_{};
  bool reason_told_ = false;
  Wakeup stop_;
  std::atomic<bool> stopped_{false};
  std::promise<void> done_;
  std::future<void> is_done_ = done_.get_future();
  std::thread thread_;
};

}  // namespace stint::tool
