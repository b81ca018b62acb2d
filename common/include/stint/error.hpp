// Errors as they travel: one table is the source of number, name, whether trying again helps, and the sentence.
#pragma once

#include <cstdint>
#include <string_view>

namespace stint {

enum class ErrorCode : std::uint16_t {
  malformed = 1,
  version = 2,
  unknown_message = 3,
  wrong_role = 4,
  not_in_state = 5,
  unknown_job = 6,
  not_yours = 7,
  conflict = 8,
  gap = 9,
  closed = 10,
  beyond_window = 11,
  too_large = 12,
  limit = 13,
  bad_value = 14,
  displaced = 15,
  unknown_worker = 16,
  ambiguous = 17,
  shutting_down = 18,
  forbidden = 19,
};

struct ErrorInfo {
  ErrorCode code;
  std::string_view name;  // as in `ERROR conflict`
  bool retryable;         // the same request may succeed later
  std::string_view sentence;
};

// The entry of a code; an unknown code has the name "unknown".
const ErrorInfo& info(ErrorCode code);

}  // namespace stint
