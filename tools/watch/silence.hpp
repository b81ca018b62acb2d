// When has a watcher cause to think that it hears nothing because the line is dead, or because events were dropped on
// the way?
//
//   Silence silence;
//   silence.heard(now, event);                         // each event, also those that the filter drops
//   if (silence.broker_is_lost(now)) reconnect();      // three beats missed
//   for (auto& topic : silence.silent_jobs(now)) subscribe_again(topic);
//
// Asking again costs one `state` event, and the filter drops it where it is no news. Pure. Owned by one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/model/messages.hpp"
#include "common/model/time.hpp"

namespace stint::tool {

class Silence {
 public:
  void heard(TimePoint now, const Event& event);

  bool ever_heard() const { return ever_heard_; }
  bool is_away() const { return is_away_; }  // the broker missed its beats, and nothing has come since

  // Whether a broker that has beaten before has missed three beats. Counts anew from then on.
  bool broker_is_lost(TimePoint now);

  // Topics of jobs unended and silent for limits::kJobSilence. Each counts anew from then on.
  std::vector<std::string> silent_jobs(TimePoint now);

  TimePoint next_deadline() const;

 private:
  bool ever_heard_ = false;
  bool is_away_ = false;
  std::optional<TimePoint> last_beat_;
  Duration interval_{};
  std::map<std::string, TimePoint> jobs_;
};

}  // namespace stint::tool
