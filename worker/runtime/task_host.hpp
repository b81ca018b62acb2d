// What stands behind a running Task: a slot, or the terminal with --try.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string_view>

#include "stint/worker.hpp"

namespace stint::worker {

class TaskHost {
 public:
  TaskHost() = default;
  TaskHost(const TaskHost&) = delete;
  TaskHost& operator=(const TaskHost&) = delete;
  virtual ~TaskHost() = default;

  virtual void progress(double fraction, std::string_view note) = 0;
  virtual std::stop_token stop_token() = 0;
};

// Calls the handler; what it throws becomes a failure with its text.
Ending run_handler(const Handler& handler, Task& task);

// Outputs beyond the limit become a failure that names both.
void check_size(Ending& ending, std::uint64_t limit);

}  // namespace stint::worker
