#include "worker/runtime/task_host.hpp"

#include <exception>

namespace stint {

void Task::progress(double fraction, std::string_view note) { host_.progress(fraction, note); }
std::stop_token Task::stop_token() { return host_.stop_token(); }

namespace worker {

Ending run_handler(const Handler& handler, Task& task) {
  try {
    return handler(task);
  } catch (const Rejected& error) {
    return {.failure = Failure::rejected, .error = error.what()};
  } catch (const std::exception& error) {
    return {.failure = Failure::failed, .error = error.what()};
  } catch (...) {
    return {.failure = Failure::failed, .error = "the handler threw something that is no std::exception"};
  }
}

void check_size(Ending& ending, std::uint64_t limit) {
  const std::uint64_t size = ending.result.size() + ending.error.size();
  if (size <= limit) return;
  ending = {.failure = Failure::too_large,
            .error = "the result has " + std::to_string(size) + " bytes and the limit is " + std::to_string(limit) +
                     "; write it to a file and return its name"};
}

}  // namespace worker
}  // namespace stint
