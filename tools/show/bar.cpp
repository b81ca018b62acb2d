#include "tools/show/bar.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common/model/limits.hpp"
#include "tools/show/text.hpp"

namespace stint::tool {
namespace {

constexpr std::size_t kBarColumns = 22;      // as people like it
constexpr std::size_t kLeastBarColumns = 5;  // below that, none is shown

std::string formatted(const char* format, double number) {
  char text[64];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

// n of total, in columns; something that is there is seen.
std::size_t share(std::uint64_t n, std::uint64_t total, std::size_t width) {
  if (total == 0) return 0;
  return static_cast<std::size_t>(
      std::llround(static_cast<double>(n) / static_cast<double>(total) * static_cast<double>(width)));
}

std::string drawn(const Counts& counts, std::size_t width) {
  const std::size_t ended = share(counts.ended(), counts.total(), width);
  const std::size_t running = std::max(ended, share(counts.ended() + counts.running, counts.total(), width));
  std::string text(width, '.');
  std::fill_n(text.begin(), running, '=');
  std::fill_n(text.begin(), ended, '#');
  if (running > ended) text[running - 1] = '>';
  return "[" + text + "]";
}

std::string numbers(const Gauge& gauge) {
  const Counts& counts = gauge.counts;
  std::string text = std::to_string(counts.ended()) + "/" + std::to_string(counts.total());
  if (gauge.state == "open") text += '+';
  if (gauge.state != "open" || counts.total() > 0) text += " " + std::to_string(percent(counts)) + "%";
  if (gauge.is_away) return text + " reconnecting";
  if (gauge.state == "paused" || gauge.state == "cancelled") text += " " + gauge.state;
  if (counts.running > 0) text += " run " + std::to_string(counts.running);
  if (counts.delayed > 0) text += " retry " + std::to_string(counts.delayed);
  if (counts.failed > 0) text += " fail " + std::to_string(counts.failed);
  if (gauge.rate) text += " " + rate_text(*gauge.rate);
  if (gauge.rate && *gauge.rate > 0 && counts.left() > 0) {
    const double seconds = std::min(static_cast<double>(counts.left()) / *gauge.rate, 8.0e9);
    text += " ETA " + clock_text(std::chrono::seconds(static_cast<std::int64_t>(seconds + 0.5)));
  }
  if (gauge.workers > 0) text += " workers " + std::to_string(gauge.workers);
  if (!gauge.reason.empty()) text += " (" + gauge.reason + ")";
  return text;
}

}  // namespace

void Pace::seen(TimePoint now, std::uint64_t ended) {
  if (samples_.size() >= 2 && now - samples_[samples_.size() - 2].at < limits::kPaceSample) samples_.pop_back();
  samples_.push_back({now, ended});
  while (samples_.size() > 2 && now - samples_[1].at > limits::kPaceWindow) samples_.pop_front();
}

std::optional<double> Pace::per_second(TimePoint now) const {
  if (samples_.size() < 2) return std::nullopt;
  const double seconds = std::chrono::duration<double>(std::max(now, samples_.back().at) - samples_.front().at).count();
  if (seconds < 0.05 || samples_.back().ended < samples_.front().ended) return std::nullopt;
  return static_cast<double>(samples_.back().ended - samples_.front().ended) / seconds;
}

Counts counts_of(const Row& row) {
  return {row.number("queued"), row.number("delayed"), row.number("running"),
          row.number("done"),   row.number("failed"),  row.number("cancelled")};
}

Gauge gauge_of(const Row& row) {
  Gauge gauge;
  const std::string name = row.text("name");
  gauge.label = name.empty() ? "job " + std::to_string(row.number("job")) : escaped(name);
  gauge.state = row.text("state");
  gauge.counts = counts_of(row);
  gauge.workers = row.number("workers");
  gauge.reason = escaped(row.text("reason"));
  return gauge;
}

std::string bar(const Gauge& gauge, std::size_t width) {
  const std::string text = numbers(gauge);
  const std::size_t taken = columns(gauge.label) + columns(text) + 4;  // two spaces and the brackets
  const std::size_t room = width > taken ? std::min(kBarColumns, width - taken) : 0;
  if (room < kLeastBarColumns) return fitted(gauge.label + " " + text, width);
  return gauge.label + " " + drawn(gauge.counts, room) + " " + text;
}

std::string plain_line(const Gauge& gauge) { return gauge.label + " " + numbers(gauge); }

std::string end_line(const Gauge& gauge, std::optional<Duration> took) {
  const Counts& counts = gauge.counts;
  std::string text = gauge.label + ": " + std::to_string(counts.done) + " done";
  if (counts.failed > 0) text += ", " + std::to_string(counts.failed) + " failed";
  if (counts.cancelled > 0) text += ", " + std::to_string(counts.cancelled) + " cancelled";
  text += " of " + std::to_string(counts.total());
  if (!took) return text;
  text += " in " + clock_text(*took);
  const double seconds = std::chrono::duration<double>(*took).count();
  if (seconds > 0 && counts.ended() > 0) text += " (" + rate_text(static_cast<double>(counts.ended()) / seconds) + ")";
  return text;
}

std::string clock_text(Duration duration) {
  const auto all = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  char text[64];
  if (all >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02d:%02d", static_cast<long long>(all / 3600),
                  static_cast<int>(all / 60 % 60), static_cast<int>(all % 60));
  } else {
    std::snprintf(text, sizeof text, "%d:%02d", static_cast<int>(all / 60), static_cast<int>(all % 60));
  }
  return text;
}

std::string rate_text(double per_second) {
  if (per_second >= 999'500) return formatted("%.2fM/s", per_second / 1e6);
  if (per_second >= 9'950) return formatted("%.1fk/s", per_second / 1e3);
  return formatted(per_second >= 99.5 ? "%.0f/s" : "%.1f/s", per_second);
}

std::uint64_t percent(const Counts& counts) {
  if (counts.left() == 0) return 100;
  return std::min<std::uint64_t>(99, static_cast<std::uint64_t>(100.0 * static_cast<double>(counts.ended()) /
                                                                static_cast<double>(counts.total())));
}

}  // namespace stint::tool
