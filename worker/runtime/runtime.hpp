// What stands behind a Worker: its handlers, and the loop that calls them.
//
//   Runtime runtime(options);
//   runtime.add("echo", handler);
//   return runtime.run();
//
// Everything but run() may be called from any thread at any time.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/system/wakeup.hpp"
#include "stint/worker.hpp"
#include "worker/runtime/loop.hpp"

namespace stint::worker {

class Runtime : public LoopOwner {
 public:
  explicit Runtime(WorkerOptions options);

  void add(std::string_view kind, Handler handler);  // throws std::invalid_argument for a kind that cannot be
  void remove(std::string_view kind);
  void set_slots(unsigned slots);
  void drain(Duration deadline);

  int run();

  Wishes take_wishes() override;
  std::vector<std::string> kinds() const override;
  unsigned slots() const override;
  std::shared_ptr<const Handler> handler_of(const std::string& kind) const override;
  void say(const std::string& line) const override;

 private:
  int serve();

  const WorkerOptions options_;
  const std::shared_ptr<Wakeup> wakeup_ = std::make_shared<Wakeup>();

  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, std::shared_ptr<const Handler>, std::less<>> handlers_;
  std::string first_kind_;
  unsigned slots_ = 1;
  Wishes wishes_;
};

// --try: one task without a broker, its result on standard output.
int try_out(const WorkerOptions& options, const std::string& kind, const Handler& handler);

}  // namespace stint::worker
