// Why a job stands still. Each reason has a name for programs and a sentence for people, with the command that helps; it is in every
// listing at once, and goes out as an event when it lasts.
#include "broker/core/broker.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {

Standing Broker::standing_of(const Job& job) const {
  if (job.ended) return {};
  if (job.paused) return {"paused", job.pause_reason};
  const std::string id = std::to_string(value(job.id));
  if (job.counts.left() == 0) {
    if (is_abandoned(job)) {
      return {"writer_gone", "its submitter left without saying that no more tasks follow: stint close " + id + " lets it end"};
    }
    const bool is_held_up = job.writer_present && !job.closed && !job.window.reason.empty();
    return is_held_up ? Standing{"no_room", job.window.reason} : Standing{};
  }
  if (job.kind->workers == 0) {
    return {"no_worker", "no worker offers kind " + job.options.kind + ": start one, e.g. stint-worker --kind " + job.options.kind + " -- COMMAND {}"};
  }
  if (job.counts.running > 0) return {};
  if (are_kept_results_full(job)) {
    return {"kept_results_full", "kept results fill " + std::to_string(options_.keep_bytes) +
                                     " bytes: stint forget jobs that have ended, or start the broker with a larger --keep-bytes"};
  }
  if (job.counts.queued == 0) return {"retry_wait", "its last tasks failed and wait to be tried again"};
  if (job.tasks.has_ready() || fresh_limit(job) > job.tasks.fresh()) {
    return {"busy_elsewhere", "the workers that offer kind " + job.options.kind +
                                  " are busy with other jobs: add workers, or raise its priority: stint priority " + id + " NUMBER"};
  }
  if (job.tasks.has_unclaimed()) {
    return {"after_restart",
            "its tasks may have been running before the broker's restart: they wait a moment for workers that come back with them"};
  }
  if (job.is_streaming()) {
    return {"reader_behind", "its reader has not acknowledged enough results: read on, e.g. stint results " + id + " --follow"};
  }
  return {};
}

// A reason that passes within moments is nobody's news.
void Broker::note_standing(Job& job) {
  Standing standing = standing_of(job);
  if (standing.text == job.standing.text || job.told.ended) return;
  const bool was_told = job.standing_told && !job.standing.text.empty();
  job.standing = std::move(standing);
  job.standing_told = job.standing.text.empty() || job.paused;
  if (was_told) {
    for (Reader& reader : job.readers) tell_status(job, reader);
  }
  job.standing_due = now_ + limits::kStallDelay;
  if (!job.standing_told) timers_.remind(job.standing_due, TimerKind::stall, value(job.id));
}

void Broker::tell_standing(Job& job) {
  if (job.standing_told || now_ < job.standing_due) return;
  if (!job.told.opened) return timers_.remind(now_ + limits::kStallDelay, TimerKind::stall, value(job.id));  // first things first
  job.standing_told = true;
  out_->log(Level::warning, "job " + std::to_string(value(job.id)) + " stands still: " + escaped(job.standing.text));
  tell(job, "stalled");
  for (Reader& reader : job.readers) tell_status(job, reader);
}

}  // namespace stint::broker
