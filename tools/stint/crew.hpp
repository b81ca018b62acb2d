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
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "common/model/time.hpp"
#include "common/net/signals.hpp"
#include "common/system/wakeup.hpp"
#include "stint/client.hpp"
#include "tools/show/exit_codes.hpp"
#include "tools/stint/console.hpp"
#include "tools/stint/progress.hpp"

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

  template <class... Arguments>
  void show_progress(Arguments&&... arguments) {
    progress_.emplace(std::forward<Arguments>(arguments)...);
  }
  void end_progress() { progress_.reset(); }
  bool end_progress(TimePoint deadline) { return !progress_ || progress_->stop(deadline); }  // false: not in time

 private:
  void run(const std::function<void()>& work);

  Signals signals_;
  Wakeup wakeup_;
  int signals_told_ = 0;
  std::mutex mutex_;
  std::size_t working_ = 0;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
  std::optional<ProgressPoll> progress_;
};

// Ends the process though threads of it stand still in a read or a write. First `last_wish` is granted some seconds; it
// may ask the broker for something. Then the broker is told goodbye, if
// nobody waits for an answer of it any more.
[[noreturn]] void leave(Exit code, Crew& crew, Console& console, std::unique_ptr<Client>& client,
                        std::function<void()> last_wish = {});

}  // namespace stint::tool
