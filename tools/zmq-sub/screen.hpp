// Live bars, a line a job, redrawn in place: what is over scrolls away above, what runs stays below.
//
//   Screen screen;
//   std::string bytes = screen.told(now, told);       // lines that stay: ends, losses, stalls
//   bytes += screen.redrawn(now, columns, lines);     // the bars
//
// Pure: it computes the bytes for the terminal. Owned by one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/show/bar.hpp"
#include "tools/watch/filter.hpp"

namespace stint::tool {

class Screen {
 public:
  void told(TimePoint now, const Told& told);
  void plain(const std::vector<std::string>& frames);
  void forget_jobs();  // another broker is there, which has others
  void reconnecting(bool is_away);  // while the broker is, the bars say so
  void say(std::string line);  // a line that stays; as it is

  std::string redrawn(TimePoint now, std::size_t columns, std::size_t lines);
  std::string left() const;  // the cursor behind the last bar, for who comes after us
  bool has_news() const { return news_; }

 private:
  struct Job {
    Gauge gauge;
    Pace pace;
    std::optional<TimePoint> started;  // when its first event came to us
  };

  void job_told(TimePoint now, const Told& told);
  void worker_told(const Event& event);

  std::map<std::uint64_t, Job> jobs_;
  bool is_away_ = false;
  std::string lines_;      // to be written above the bars
  std::size_t drawn_ = 0;  // bars on the screen
  bool news_ = true;
};

}  // namespace stint::tool
