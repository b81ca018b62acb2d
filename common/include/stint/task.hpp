// What a task is and how it can end: words that client, broker and worker share.
#pragma once

#include <cstdint>
#include <string_view>

namespace stint {

enum class TaskState : std::uint8_t { queued = 0, delayed = 1, running = 2, done = 3, failed = 4, cancelled = 5 };

// Why a task is not done. The number is what travels on the wire.
enum class Failure : std::uint8_t {
  failed = 1,     // the handler said no; tried again while attempts are left
  rejected = 2,   // the handler said no for good: another attempt would fail alike
  timed_out = 3,  // over the job's time limit; tried again while attempts are left
  too_large = 4,  // the outputs exceed the payload limit; not tried again
  lost = 5,       // its workers were lost while running it, too often; said by the broker
  cancelled = 6,  // its job was cancelled
};

std::string_view to_string(TaskState state);
std::string_view to_string(Failure failure);

// Whether another attempt may end better.
bool is_retryable(Failure failure);

}  // namespace stint
