// A job as one line that people like to look at:
//
//   render [########=====>........] 612/1000 61% run 48 fail 3 12.4/s ETA 0:31 workers 24
//
// # has ended, = is running, + behind the total means that the job is still open. While the broker is away it says
// "reconnecting" in the place of what cannot be known: render [########=====>........] 612/1000 61% reconnecting
//
//   Pace pace;                                     // one a job
//   pace.seen(now, counts.ended());
//   write(bar({.label = "render", .counts = counts, .rate = pace.per_second(now)}, terminal_columns));
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "common/model/time.hpp"
#include "stint/job.hpp"
#include "stint/row.hpp"

namespace stint::tool {

// How fast tasks end, over the last seconds.
class Pace {
 public:
  void seen(TimePoint now, std::uint64_t ended);
  std::optional<double> per_second(TimePoint now) const;  // nothing before there is something to measure

 private:
  struct Sample {
    TimePoint at;
    std::uint64_t ended;
  };
  std::deque<Sample> samples_;
};

struct Gauge {
  std::string label;  // escaped
  std::string state;  // open, closed, paused, cancelled, ended
  Counts counts;
  std::optional<double> rate;
  std::uint64_t workers = 0;
  std::string reason;  // why it stands still; escaped
  bool is_away = false;  // the broker is: the counts are the last that were heard
};

// From the fields of a job's event, or its row in a listing.
Gauge gauge_of(const Row& row);
Counts counts_of(const Row& row);

// At most `width` columns; the bar itself gives way first.
std::string bar(const Gauge& gauge, std::size_t width);

// The same without a bar, for a log: render 612/1000 61% run 48 fail 3 12.4/s ETA 0:31 workers 24
std::string plain_line(const Gauge& gauge);

// How a job ended: render: 997 done, 3 failed of 1000 in 1:22 (12.4/s)
std::string end_line(const Gauge& gauge, std::optional<Duration> took);

std::string clock_text(Duration duration);    // 0:31, 1:02:03
std::string rate_text(double per_second);     // 12.4/s, 1.2k/s
std::uint64_t percent(const Counts& counts);  // of what is known; 100 only when nothing is left

}  // namespace stint::tool
