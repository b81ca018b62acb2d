#include "tools/watch/silence.hpp"

#include <algorithm>

#include "common/model/limits.hpp"
#include "tools/show/outcome.hpp"

namespace stint::tool {

void Silence::heard(TimePoint now, const Event& event) {
  ever_heard_ = true;
  is_away_ = false;
  if (event.topic == "broker.") {
    last_beat_ = now;
    const std::uint64_t told = event.fields.number("heartbeat_ms");
    interval_ = told == 0 ? limits::kHeartbeat : std::clamp<Duration>(std::chrono::milliseconds(told), 1ms, 1h);
  }
  if (!event.topic.starts_with("job.")) return;
  const bool over = event.event == "ended" || event.event == "unknown" || is_over(event.fields);
  if (over) {
    jobs_.erase(event.topic);
  } else if (jobs_.contains(event.topic) || jobs_.size() < limits::kWatchedTopics) {
    jobs_[event.topic] = now;
  }
}

bool Silence::broker_is_lost(TimePoint now) {
  if (!last_beat_ || now - *last_beat_ < limits::kLiveness * interval_) return false;
  last_beat_ = now;
  is_away_ = true;
  return true;
}

std::vector<std::string> Silence::silent_jobs(TimePoint now) {
  std::vector<std::string> silent;
  for (auto& [topic, last] : jobs_) {
    if (now - last < limits::kJobSilence) continue;
    last = now;
    silent.push_back(topic);
  }
  return silent;
}

TimePoint Silence::next_deadline() const {
  TimePoint deadline = last_beat_ ? *last_beat_ + limits::kLiveness * interval_ : TimePoint::max();
  for (const auto& [topic, last] : jobs_) deadline = std::min(deadline, last + limits::kJobSilence);
  return deadline;
}

}  // namespace stint::tool
