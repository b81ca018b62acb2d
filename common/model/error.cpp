#include "stint/error.hpp"

#include <algorithm>
#include <array>

namespace stint {
namespace {

constexpr std::array kTable{
    ErrorInfo{ErrorCode::malformed, "malformed", false, "The message does not follow the protocol."},
    ErrorInfo{ErrorCode::version, "version", false, "The two sides share no protocol version."},
    ErrorInfo{ErrorCode::unknown_message, "unknown_message", false, "No message has this number."},
    ErrorInfo{ErrorCode::wrong_role, "wrong_role", false, "A peer of this role may not send this message."},
    ErrorInfo{ErrorCode::not_in_state, "not_in_state", false, "What was named is not in a state that allows this."},
    ErrorInfo{ErrorCode::unknown_job, "unknown_job", false, "There is no such job."},
    ErrorInfo{ErrorCode::not_yours, "not_yours", false, "Another client writes to this job."},
    ErrorInfo{ErrorCode::conflict, "conflict", false, "The key belongs to a job with other options or other input."},
    ErrorInfo{ErrorCode::gap, "gap", true, "Tasks are missing before the first one sent."},
    ErrorInfo{ErrorCode::closed, "closed", false, "The job is closed and takes no new tasks."},
    ErrorInfo{ErrorCode::beyond_window, "beyond_window", true, "More was sent than the window allows."},
    ErrorInfo{ErrorCode::too_large, "too_large", false, "A payload exceeds its limit."},
    ErrorInfo{ErrorCode::limit, "limit", true, "A limit of the broker is reached."},
    ErrorInfo{ErrorCode::bad_value, "bad_value", false, "A field has a value that is not allowed."},
    ErrorInfo{ErrorCode::displaced, "displaced", false, "A newer reader has taken the results over."},
    ErrorInfo{ErrorCode::unknown_worker, "unknown_worker", false, "There is no such worker."},
    ErrorInfo{ErrorCode::ambiguous, "ambiguous", false, "The name fits more than one."},
    ErrorInfo{ErrorCode::shutting_down, "shutting_down", true, "The broker is shutting down."},
    ErrorInfo{ErrorCode::forbidden, "forbidden", false, "The key does not give the right to do this."},
};

constexpr ErrorInfo kUnknown{ErrorCode{}, "unknown", false, "An error that this version does not know."};

}  // namespace

const ErrorInfo& info(ErrorCode code) {
  const auto* at = std::find_if(kTable.begin(), kTable.end(), [&](const ErrorInfo& entry) { return entry.code == code; });
  return at == kTable.end() ? kUnknown : *at;
}

}  // namespace stint
