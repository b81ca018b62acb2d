// What a watcher tells of the events that reach it. The broker answers every new subscription with the present state of
// each matching topic, to all watchers; and a watcher that asks again hears again what it knows. The filter lets
// through what is new:
//
//   EventFilter filter;
//   if (std::optional<Told> told = filter.admit(event)) print(told->event, told->missed);
//
// - Nothing that is not newer than what was seen of its topic, within one epoch of one store.
// - One start and one end a job, whatever happens to broker and connection. An end learnt from `state` is told as the
// end.
// - A gap in the numbers is told with the next event. The counts of that event are complete, so nothing else is lost.
// - Another store is another broker: everything starts afresh. An older epoch of the same store is of the past.
//
// Pure. Owned by one thread. Remembers limits::kWatchedTopics topics, and forgets those longest unheard.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/model/messages.hpp"

namespace stint::tool {

struct Told {
  Event event;
  std::uint64_t missed = 0;  // events of this topic between the last one told and this one
};

class EventFilter {
 public:
  std::optional<Told> admit(Event event);

 private:
  struct Seen {
    std::string topic;
    StoreId store{};
    std::uint64_t epoch = 0;
    std::uint64_t seq = 0;
    bool any = false;  // of this store and epoch
    bool start_told = false;
    bool end_told = false;
    bool unknown_told = false;
  };

  Seen& remembered(const std::string& topic);
  static bool is_of_the_past(const Seen& seen, const Event& event);
  static void keep_up(Seen& seen, const Event& event);
  static bool is_told_before(Seen& seen, const Event& event);

  std::list<Seen> seen_;  // the longest unheard first
  std::unordered_map<std::string, std::list<Seen>::iterator> by_topic_;
};

}  // namespace stint::tool
