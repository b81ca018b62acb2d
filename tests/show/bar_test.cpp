#include "tools/show/bar.hpp"

#include <doctest/doctest.h>

#include "tools/show/text.hpp"

namespace stint::tool {
namespace {

Gauge render() {
  Gauge gauge;
  gauge.label = "render";
  gauge.state = "closed";
  gauge.counts = {.queued = 340, .delayed = 0, .running = 48, .done = 609, .failed = 3, .cancelled = 0};
  gauge.rate = 12.4;
  gauge.workers = 24;
  return gauge;
}

}  // namespace

TEST_CASE("a bar says it all") {
  CHECK(bar(render(), 100) == "render [#############=>.......] 612/1000 61% run 48 fail 3 12.4/s ETA 0:31 workers 24");
}

TEST_CASE("a bar fits its terminal") {
  for (std::size_t width = 1; width < 100; ++width) CHECK(columns(bar(render(), width)) <= width);
  CHECK(bar(render(), 75) == "render [#######>....] 612/1000 61% run 48 fail 3 12.4/s ETA 0:31 workers 24");
  CHECK(bar(render(), 20) == "render 612/1000 61%\u2026");
}

TEST_CASE("an open job may grow, a paused one says so") {
  Gauge gauge = render();
  gauge.state = "open";
  CHECK(plain_line(gauge) == "render 612/1000+ 61% run 48 fail 3 12.4/s ETA 0:31 workers 24");
  gauge = {.label = "x",
           .state = "paused",
           .counts = {.queued = 5},
           .rate = {},
           .workers = 0,
           .reason = "too many failures"};
  CHECK(plain_line(gauge) == "x 0/5 0% paused (too many failures)");
  CHECK(plain_line({.label = "x", .state = "open", .counts = {}, .rate = {}, .workers = 0, .reason = ""}) == "x 0/0+");
}

TEST_CASE("while the broker is away a bar says so, and not what cannot be known") {
  Gauge gauge = render();
  gauge.is_away = true;
  CHECK(bar(gauge, 100) == "render [#############=>.......] 612/1000 61% reconnecting");
}

TEST_CASE("one hundred per cent means that nothing is left") {
  CHECK(percent({.queued = 1, .done = 999'999}) == 99);
  CHECK(percent({.done = 10}) == 100);
  CHECK(percent({}) == 100);
}

TEST_CASE("the pace is that of the last seconds") {
  Pace pace;
  const TimePoint start{1h};
  CHECK_FALSE(pace.per_second(start));
  for (int i = 0; i <= 100; ++i) pace.seen(start + i * 1s, i < 50 ? 0 : static_cast<std::uint64_t>(i - 50) * 20);
  CHECK(pace.per_second(start + 100s).value() == doctest::Approx(20));
  CHECK_MESSAGE(pace.per_second(start + 120s).value() < 20, "nothing has ended since");
}

TEST_CASE("how a job ended") {
  Gauge gauge = render();
  gauge.counts = {.queued = 0, .delayed = 0, .running = 0, .done = 997, .failed = 3, .cancelled = 0};
  CHECK(end_line(gauge, 82s) == "render: 997 done, 3 failed of 1000 in 1:22 (12.2/s)");
  CHECK(end_line(gauge, {}) == "render: 997 done, 3 failed of 1000");
}

TEST_CASE("times and rates") {
  CHECK(clock_text(31s) == "0:31");
  CHECK(clock_text(3723s) == "1:02:03");
  CHECK(rate_text(0.34) == "0.3/s");
  CHECK(rate_text(1234) == "1234/s");
  CHECK(rate_text(12'345) == "12.3k/s");
  CHECK(rate_text(2'400'000) == "2.40M/s");
}

}  // namespace stint::tool
