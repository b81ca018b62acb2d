#include "tools/stint/console.hpp"

#include <system_error>

#include "common/model/limits.hpp"

namespace stint::tool {
namespace {

constexpr std::string_view kErase = "\r\x1b[K";

}  // namespace

void Console::say(std::string_view line) { add("stint: " + std::string(line)); }

void Console::add(std::string_view line) {
  const std::lock_guard lock(mutex_);
  write_above(std::string(line) + "\n");
}

// Nobody can be told when standard error is broken, and the work is what counts.
void Console::write_above(std::string text) {
  if (!bar_.empty()) text = std::string(kErase) + text + bar_;
  try {
    output_.write(text);
  } catch (const std::system_error&) {
    bar_.clear();
  }
}

bool Console::is_line_due(TimePoint now, std::uint64_t percent) const {
  if (!last_line_) return true;
  const Duration since = now - *last_line_;
  return since >= limits::kPlainLine || (percent >= last_percent_ + limits::kPlainLinePercent && since >= 1s);
}

void Console::progress(TimePoint now, Gauge gauge) {
  const std::lock_guard lock(mutex_);
  pace_.seen(now, gauge.counts.ended());
  gauge.rate = pace_.per_second(now);
  if (quiet_ || is_barred_) return;
  if (is_terminal_) {
    gauge_ = std::move(gauge);
    draw();
  } else if (!last_line_) {
    last_line_ = now;  // the first line comes after a while, not at once
  } else if (is_line_due(now, percent(gauge.counts))) {
    last_line_ = now;
    last_percent_ = percent(gauge.counts);
    write_above(plain_line(gauge) + "\n");
  }
}

void Console::reconnecting(bool is_away) {
  const std::lock_guard lock(mutex_);
  is_away_ = is_away;
  if (!bar_.empty()) draw();
}

void Console::draw() {
  gauge_.is_away = is_away_;
  bar_.clear();
  std::string drawn = bar(gauge_, output_.terminal_columns() - 1);
  write_above(std::string(kErase) + drawn);
  bar_ = std::move(drawn);
}

void Console::clear() {
  const std::lock_guard lock(mutex_);
  if (bar_.empty()) return;
  bar_.clear();
  write_above(std::string(kErase));
}

}  // namespace stint::tool
