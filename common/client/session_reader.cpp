#include "common/client/session_reader.hpp"

#include <algorithm>
#include <utility>

#include "common/model/limits.hpp"

namespace stint::client {
namespace {

constexpr std::uint64_t kHalfTasks = limits::kReaderWindowTasks / 2;
constexpr std::uint64_t kHalfBytes = limits::kReaderWindowBytes / 2;

}  // namespace

bool Reader::start(const Reading& reading, std::uint64_t number) {
  if (active_ && (reading_.results || !reading.results)) return false;
  reading_number_ = number;
  active_ = true;
  ended_ = false;
  settled_ = false;
  reading_ = reading;
  received_ = std::max(received_, reading.from);
  consumed_ = std::max(consumed_, reading.from);
  told_ = std::max(told_, reading.from);
  return true;
}

Attach Reader::attach(JobId job) {
  Attach attach;
  attach.job = job;
  attach.reader = reader_;
  attach.results = reading_.results;
  attach.order = reading_.order;
  attach.upto = attached_at_ = consumed_;
  attach.limit_tasks = consumed_ + limits::kReaderWindowTasks;
  attach.limit_bytes = limits::kReaderWindowBytes;
  attach.reading = reading_number_;
  told_ = consumed_;
  told_bytes_ = consumed_bytes_;
  ack_due_ = TimePoint::max();
  return attach;
}

std::uint64_t Reader::position(const Outcomes& outcomes, std::uint64_t first, std::uint32_t i) const {
  return reading_.order ? outcomes.indices.at(i) : first + i;
}

bool Reader::take(JobResults& results) {
  if (!active_ || !reading_.results || ended_) return false;
  const std::uint32_t count = results.outcomes.count();
  std::uint32_t old = 0;
  while (old < count && position(results.outcomes, results.position, old) < received_) ++old;
  if (old == count) return false;
  const std::uint64_t first = position(results.outcomes, results.position, old);
  if (old > 0) results.outcomes = results.outcomes.slice(old, count - old);
  results.position = first;
  received_ = position(results.outcomes, first, count - old - 1) + 1;
  received_bytes_ += results.outcomes.blob.size();
  arrivals_.push_back({received_, received_bytes_});
  return true;
}

bool Reader::end() {
  settled_ = attached_at_ == received_;
  return !std::exchange(ended_, true);
}

void Reader::consumed(TimePoint now, std::uint64_t upto) {
  consumed_ = std::max(consumed_, std::min(upto, received_));
  while (!arrivals_.empty() && arrivals_.front().end <= consumed_) {
    consumed_bytes_ = arrivals_.front().bytes;
    arrivals_.pop_front();
  }
  if (consumed_ == told_) return;
  const TimePoint due = arrivals_.empty() ? std::max(now, last_ack_ + limits::kAckSpacing) : now + limits::kAckDelay;
  ack_due_ = half_used() || (ended_ && arrivals_.empty()) ? now : std::min(ack_due_, due);
}

bool Reader::half_used() const {
  return consumed_ - told_ >= kHalfTasks || consumed_bytes_ - told_bytes_ >= kHalfBytes;
}

std::optional<Ack> Reader::next_ack(TimePoint now, JobId job) {
  if (!active_ || !reading_.results || now < ack_due_) return std::nullopt;
  ack_due_ = TimePoint::max();
  last_ack_ = now;
  told_ = consumed_;
  told_bytes_ = consumed_bytes_;
  return Ack{job, told_, told_ + limits::kReaderWindowTasks};
}

std::uint64_t Reader::ack_at() const {
  std::uint64_t at = std::min(received_, told_ + kHalfTasks);
  const auto half = std::find_if(arrivals_.begin(), arrivals_.end(),
                                 [&](const Arrival& arrival) { return arrival.bytes - told_bytes_ >= kHalfBytes; });
  if (half != arrivals_.end()) at = std::min(at, half->end);
  return std::max(at, consumed_ + 1);
}

}  // namespace stint::client
