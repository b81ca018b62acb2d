// Threads that work for one command, while its main thread minds signals, the clock and the reader of its output.
//
//   Crew crew;
//   crew.start([&] { feed(job); });
//   crew.start([&] { print(job); });
//   switch (crew.wait(deadline)) { ... }
//
// The destructor joins: a command that does not wait for its threads leaves with leave().
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/model/time.hpp"
#include "common/net/signals.hpp"
#include "common/net/wakeup.hpp"
#include "stint/client.hpp"
#include "tools/show/exit_codes.hpp"
#include "tools/stint/console.hpp"

namespace stint::tool {

class Crew {
 public:
  enum class News {
    all_done,
    failed,       // a thread threw; failure() gives it
    interrupted,  // ^C or SIGTERM, told once each
    deadline,
  };

  ~Crew();
  Crew() = default;
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  void start(std::function<void()> work);  // an exception that it throws is kept
  News wait(TimePoint deadline);
  std::exception_ptr failure();

 private:
  void run(const std::function<void()>& work);

  Signals signals_;
  Wakeup wakeup_;
  int signals_told_ = 0;
  std::mutex mutex_;
  std::size_t working_ = 0;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

// Asks the broker for the counts of jobs and shows them, until destroyed. When there are several, those of the first
// that runs. Says why a job stands still when that lasts, unless it is known to be our own doing.
class ProgressPoll {
 public:
  ProgressPoll(Client& client, Console& console, std::vector<JobId> jobs, std::function<bool()> is_our_doing = {});
  ~ProgressPoll();

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
  std::thread thread_;
};

// Ends the process though threads of it stand still in a read or a write. First `last_wish` is granted some seconds; it
// may ask the broker for something. Then the broker is told goodbye.
[[noreturn]] void leave(Exit code, Crew& crew, Console& console, std::unique_ptr<Client>& client,
                        std::function<void()> last_wish = {});

}  // namespace stint::tool
