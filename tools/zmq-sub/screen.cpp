#include "tools/zmq-sub/screen.hpp"

#include <algorithm>
#include <utility>

#include "tools/show/text.hpp"

namespace stint::tool {
namespace {

constexpr std::string_view kClearLine = "\x1b[K";

// Several jobs may bear one name, and the number is what steers them.
std::string label_of(const Row& fields) {
  const std::string name = fields.text("name");
  const std::string id = std::to_string(fields.number("job"));
  return name.empty() ? "job " + id : id + " " + escaped(name);
}

}  // namespace

void Screen::told(TimePoint now, const Told& told) {
  if (told.event.topic.starts_with("job.")) job_told(now, told);
  if (told.event.topic.starts_with("worker.")) worker_told(told.event);
}

void Screen::job_told(TimePoint now, const Told& told) {
  const Event& event = told.event;
  const std::uint64_t id = event.fields.number("job");
  if (event.event == "unknown") {
    jobs_.erase(id);
    return say("the broker knows no job with the topic " + escaped(event.topic));
  }
  Job& job = jobs_[id];
  if (!job.started && (event.event == "opened" || event.event == "started")) job.started = now;
  job.gauge = gauge_of(event.fields);
  job.gauge.label = label_of(event.fields);
  job.pace.seen(now, job.gauge.counts.ended());
  if (event.event == "ended") {
    say(end_line(job.gauge, job.started ? std::optional(now - *job.started) : std::nullopt));
    jobs_.erase(id);
  }
  news_ = true;
}

void Screen::worker_told(const Event& event) {
  if (event.event != "lost") return;
  const std::string name = escaped(event.fields.text("worker"));
  say("worker " + name + " is lost; what it ran is run again by others");
}

void Screen::forget_jobs() {
  jobs_.clear();
  news_ = true;
}

void Screen::reconnecting(bool is_away) {
  news_ = news_ || is_away != is_away_;
  is_away_ = is_away;
}

void Screen::plain(const std::vector<std::string>& frames) {
  std::string line;
  for (const std::string& frame : frames) line += (line.empty() ? "" : " ") + escaped(frame);
  say(std::move(line));
}

void Screen::say(std::string line) {
  lines_ += line + std::string(kClearLine) + "\n";
  news_ = true;
}

std::string Screen::redrawn(TimePoint now, std::size_t columns, std::size_t lines) {
  news_ = false;
  std::string bytes =
      drawn_ == 0 ? "" : "\r" + (drawn_ == 1 ? std::string() : "\x1b[" + std::to_string(drawn_ - 1) + "A");
  bytes += std::exchange(lines_, {});
  const std::size_t room = std::max<std::size_t>(lines, 3) - 2;
  const std::size_t shown = std::min(room, jobs_.size());
  std::size_t n = 0;
  for (auto& [id, job] : jobs_) {
    if (n == shown) break;
    job.gauge.rate = job.pace.per_second(now);
    job.gauge.is_away = is_away_;
    bytes += std::string(n++ == 0 ? "" : "\n") + bar(job.gauge, columns - 1) + std::string(kClearLine);
  }
  if (shown < jobs_.size()) {
    bytes += "\n... and " + std::to_string(jobs_.size() - shown) + " more jobs" + std::string(kClearLine);
    ++n;
  }
  drawn_ = n;
  return bytes + "\x1b[J";
}

std::string Screen::left() const { return drawn_ == 0 ? "" : "\n"; }

}  // namespace stint::tool
