#include "broker/core/job.hpp"

#include <algorithm>

#include "broker/core/scheduler.hpp"

namespace stint::broker {
namespace {

JobState state_of(bool ended, bool cancelled, bool paused, bool closed) {
  if (ended) return JobState::ended;
  if (cancelled) return JobState::cancelled;
  if (paused) return JobState::paused;
  return closed ? JobState::closed : JobState::open;
}

}  // namespace

Job::Job() = default;
Job::~Job() = default;

JobState Job::state() const { return state_of(ended, cancelled, paused, closed); }

JobState Job::told_state() const { return state_of(told.ended, told.cancelled, told.paused, told.closed); }

Reader* Job::reader_of(Incarnation client) {
  const auto at = std::find_if(readers.begin(), readers.end(), [&](const Reader& reader) { return reader.client == client; });
  return at == readers.end() ? nullptr : &*at;
}

}  // namespace stint::broker
