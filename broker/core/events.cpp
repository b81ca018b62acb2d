#include "broker/core/events.hpp"

#include <algorithm>
#include <charconv>

#include "common/model/limits.hpp"

namespace stint::broker {

std::string job_topic(JobId job) { return "job." + std::to_string(value(job)) + "."; }

JobId job_of_topic(std::string_view topic) {
  constexpr std::string_view kStem = "job.";
  std::uint64_t id = 0;
  if (topic.starts_with(kStem)) std::from_chars(topic.data() + kStem.size(), topic.data() + topic.size(), id);
  return job_topic(JobId{id}) == topic ? JobId{id} : JobId{};
}

std::string step_topic(JobId job) { return "task." + std::to_string(value(job)) + "."; }

std::string worker_topic(std::string_view name) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string topic = "worker.";
  for (const char c : name) {
    if (kPlain.find(c) != std::string_view::npos) {
      topic += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      topic += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return topic + ".";
}

void Events::subscribe(std::string_view prefix) {
  if (prefixes_.size() < limits::kMaxSubscriptions) prefixes_.emplace(prefix);
}

void Events::unsubscribe(std::string_view prefix) {
  const auto at = prefixes_.find(prefix);
  if (at != prefixes_.end()) prefixes_.erase(at);
}

bool Events::wanted(std::string_view topic) const {
  return std::any_of(prefixes_.begin(), prefixes_.end(), [&](const std::string& prefix) { return topic.starts_with(prefix); });
}

void Events::publish(Outbox& out, const std::string& topic, std::string_view event, Row fields) {
  const std::uint64_t seq = ++number_of(topic);
  if (wanted(topic)) out.publish({topic, std::string(event), epoch_, store_, seq, std::move(fields)});
}

void Events::retire(const std::string& topic) {
  retired_.emplace_back(topic, number_of(topic));
  if (retired_.size() <= limits::kRetiredTopics) return;
  const auto& [oldest, number] = retired_.front();
  const auto at = last_.find(oldest);
  if (at != last_.end() && at->second == number) {  // else it has come again meanwhile
    floor_ = std::max(floor_, number);
    last_.erase(at);
  }
  retired_.pop_front();
}

void Events::state(Outbox& out, const std::string& topic, std::string_view event, Row fields) const {
  const auto at = last_.find(topic);
  out.publish({topic, std::string(event), epoch_, store_, at == last_.end() ? floor_ : at->second, std::move(fields)});
}

}  // namespace stint::broker
