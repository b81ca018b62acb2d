// The events socket as the core sees it: who has subscribed to what, and the number of the last event of each topic.
//
//   events.publish(out, "job.7.", "progress", fields);   // numbered; dropped here when nobody would hear it
//   events.state(out, "job.7.", fields);                 // for a late watcher: repeats the topic's last number
//
// A topic ends in a dot, because ZeroMQ matches prefixes and `job.1` would match `job.10`.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "broker/core/outbox.hpp"

namespace stint::broker {

std::string job_topic(JobId job);
JobId job_of_topic(std::string_view topic);             // 0: it is no job's topic
std::string step_topic(JobId job);                      // each step of its tasks
std::string worker_topic(std::string_view name);        // bytes other than [A-Za-z0-9_-] as %XX
inline constexpr std::string_view kBrokerTopic = "broker.";

class Events {
 public:
  Events(StoreId store, std::uint64_t epoch) : store_(store), epoch_(epoch) {}

  void subscribe(std::string_view prefix);
  void unsubscribe(std::string_view prefix);
  bool wanted(std::string_view topic) const;

  void publish(Outbox& out, const std::string& topic, std::string_view event, Row fields);
  void pass_over(const std::string& topic) { ++number_of(topic); }  // an event that nobody would hear
  void state(Outbox& out, const std::string& topic, std::string_view event, Row fields) const;

  void forget(const std::string& topic) { last_.erase(topic); }  // which never comes again
  void retire(const std::string& topic);                         // which may come again: its numbers go on rising then
  std::size_t topics() const { return last_.size(); }

 private:
  std::uint64_t& number_of(const std::string& topic) { return last_.try_emplace(topic, floor_).first->second; }

  StoreId store_;
  std::uint64_t epoch_;
  std::uint64_t floor_ = 0;  // no number of a topic that was retired and forgotten is higher
  std::deque<std::pair<std::string, std::uint64_t>> retired_;  // with the last number then; oldest first
  std::set<std::string, std::less<>> prefixes_;
  std::unordered_map<std::string, std::uint64_t> last_;
};

}  // namespace stint::broker
