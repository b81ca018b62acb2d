#include "stint/job.hpp"

namespace stint {

std::string_view to_string(JobState state) {
  switch (state) {
    case JobState::open: return "open";
    case JobState::closed: return "closed";
    case JobState::paused: return "paused";
    case JobState::cancelled: return "cancelled";
    case JobState::ended: return "ended";
  }
  return "unknown";
}

std::string_view to_string(ResultsPolicy policy) {
  switch (policy) {
    case ResultsPolicy::stream: return "stream";
    case ResultsPolicy::keep: return "keep";
    case ResultsPolicy::discard: return "discard";
  }
  return "unknown";
}

}  // namespace stint
