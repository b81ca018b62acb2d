#include "tools/watch/filter.hpp"

#include "common/model/limits.hpp"
#include "tools/show/outcome.hpp"

namespace stint::tool {
namespace {

bool is_state_of_ended(const Event& event) {
  return event.event == "state" && event.topic.starts_with("job.") && is_over(event.fields);
}

// The broker forgets a worker that has gone; one that comes back under its name is counted from 1 again.
bool is_farewell(const Event& event) {
  return event.topic.starts_with("worker.") && (event.event == "left" || event.event == "lost");
}

}  // namespace

std::optional<Told> EventFilter::admit(Event event) {
  Seen& seen = remembered(event.topic);
  if (event.event == "unknown") {
    if (seen.store == event.store && (seen.unknown_told || seen.end_told)) return std::nullopt;
    seen = {.topic = event.topic, .store = event.store, .epoch = event.epoch, .unknown_told = true};
    return Told{std::move(event)};
  }
  if (is_of_the_past(seen, event)) return std::nullopt;
  keep_up(seen, event);
  if (is_state_of_ended(event)) event.event = "ended";
  Told told{std::move(event)};
  if (seen.any) {
    // A `state` repeats the number of the topic's last event, which was missed if it is news.
    told.missed = told.event.seq - seen.seq - (told.event.event == "state" ? 0 : 1);
  }
  seen.any = !is_farewell(told.event);
  seen.seq = told.event.seq;
  if (is_told_before(seen, told.event)) return std::nullopt;
  return told;
}

bool EventFilter::is_of_the_past(const Seen& seen, const Event& event) {
  if (seen.store != event.store) return false;
  return event.epoch < seen.epoch || (event.epoch == seen.epoch && seen.any && event.seq <= seen.seq);
}

// A new store has new jobs under old numbers. A new epoch counts its events anew, but the jobs are the same.
void EventFilter::keep_up(Seen& seen, const Event& event) {
  if (seen.store != event.store) {
    seen = {.topic = event.topic, .store = event.store, .epoch = event.epoch};
  } else if (seen.epoch != event.epoch) {
    seen.epoch = event.epoch;
    seen.any = false;
  }
  seen.unknown_told = false;
}

bool EventFilter::is_told_before(Seen& seen, const Event& event) {
  if (!event.topic.starts_with("job.")) return false;
  bool* told = event.event == "ended" ? &seen.end_told : event.event == "started" ? &seen.start_told : nullptr;
  if (told == nullptr) return false;
  const bool before = *told;
  *told = true;
  return before;
}

EventFilter::Seen& EventFilter::remembered(const std::string& topic) {
  if (const auto found = by_topic_.find(topic); found != by_topic_.end()) {
    seen_.splice(seen_.end(), seen_, found->second);
    return *found->second;
  }
  if (by_topic_.size() >= limits::kWatchedTopics) {
    by_topic_.erase(seen_.front().topic);
    seen_.pop_front();
  }
  by_topic_[topic] = seen_.insert(seen_.end(), {.topic = topic});
  return seen_.back();
}

}  // namespace stint::tool
