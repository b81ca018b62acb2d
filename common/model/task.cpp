#include "stint/task.hpp"

namespace stint {

std::string_view to_string(TaskState state) {
  switch (state) {
    case TaskState::queued: return "queued";
    case TaskState::delayed: return "delayed";
    case TaskState::running: return "running";
    case TaskState::done: return "done";
    case TaskState::failed: return "failed";
    case TaskState::cancelled: return "cancelled";
  }
  return "unknown";
}

std::string_view to_string(Failure failure) {
  switch (failure) {
    case Failure::failed: return "failed";
    case Failure::rejected: return "rejected";
    case Failure::timed_out: return "timed out";
    case Failure::too_large: return "too large";
    case Failure::lost: return "lost";
    case Failure::cancelled: return "cancelled";
  }
  return "unknown";
}

bool is_retryable(Failure failure) { return failure == Failure::failed || failure == Failure::timed_out; }

}  // namespace stint
