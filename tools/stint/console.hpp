// Standard error: messages, and a bar that stays below them on a terminal. Elsewhere a plain line every 10 seconds or 5
// %, without control codes.
//
//   Console console(STDERR_FILENO);
//   console.progress(now, gauge);
//   console.say("the broker is back");      // above the bar
//   console.clear();                        // no bar from here on
//
// Any thread.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "tools/show/bar.hpp"
#include "tools/show/output.hpp"

namespace stint::tool {

class Console {
 public:
  explicit Console(int fd) : output_(fd), is_terminal_(output_.is_terminal()) {}

  void be_quiet() { quiet_ = true; }      // before any other thread is there: no progress, messages only
  void hide_bar() { is_barred_ = true; }  // a terminal that shows the results too has no room for a bar

  void say(std::string_view line);  // "stint: LINE"
  void add(std::string_view line);  // as it is
  void progress(TimePoint now, Gauge gauge);
  void reconnecting(bool is_away);  // while the broker is, a bar says so
  void clear();

  bool is_terminal() const { return is_terminal_; }

 private:
  void write_above(std::string text);
  void draw();
  bool is_line_due(TimePoint now, std::uint64_t percent) const;

  std::mutex mutex_;
  Output output_;
  bool is_terminal_;
  bool quiet_ = false;
  bool is_barred_ = false;
  std::string bar_;  // on the screen now
  Gauge gauge_;      // what it shows
  bool is_away_ = false;
  Pace pace_;
  std::optional<TimePoint> last_line_;
  std::uint64_t last_percent_ = 0;
};

}  // namespace stint::tool
