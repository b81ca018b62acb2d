#include "tools/watch/filter.hpp"

#include <doctest/doctest.h>

#include "common/model/limits.hpp"
#include "tools/show/outcome.hpp"

namespace stint::tool {
namespace {

// One broker's events about job 7, and what a watcher tells of them.
struct Watched {
  EventFilter filter;
  StoreId store{1};
  std::uint64_t epoch = 1;

  std::optional<Told> hears(std::uint64_t seq, std::string event, std::string state = "open") {
    Row fields{{"job", std::uint64_t{7}}, {"state", std::move(state)}};
    return filter.admit({"job.7.", std::move(event), epoch, store, seq, std::move(fields)});
  }
  std::string tells(std::uint64_t seq, std::string event, std::string state = "open") {
    const auto told = hears(seq, std::move(event), std::move(state));
    return told ? told->event.event : "";
  }
  std::uint64_t missed_before(std::uint64_t seq, std::string event, std::string state = "open") {
    return hears(seq, std::move(event), std::move(state)).value().missed;
  }
};

}  // namespace

TEST_CASE("what is not newer is not told") {
  Watched job;
  CHECK(job.tells(1, "opened") == "opened");
  CHECK(job.tells(2, "started") == "started");
  CHECK(job.tells(3, "progress") == "progress");
  CHECK(job.tells(3, "progress") == "");
  CHECK(job.tells(2, "started") == "");
}

TEST_CASE("a late watcher is told the present state first, and once") {
  Watched job;
  CHECK(job.tells(5, "state") == "state");
  CHECK(job.tells(5, "state") == "");
  CHECK(job.tells(6, "progress") == "progress");
}

TEST_CASE("somebody else's subscription brings a state that is no news") {
  Watched job;
  job.hears(1, "opened");
  CHECK(job.tells(1, "state") == "");
}

TEST_CASE("a gap is seen") {
  Watched job;
  CHECK(job.missed_before(4, "progress") == 0);
  CHECK(job.missed_before(5, "progress") == 0);
  SUBCASE("by the next event") { CHECK(job.missed_before(9, "progress") == 3); }
  SUBCASE("by a state, which tells of no event itself") { CHECK(job.missed_before(9, "state") == 4); }
  SUBCASE("by an end learnt from a state, which is the event") { CHECK(job.missed_before(9, "state", "ended") == 3); }
}

TEST_CASE("the end is told once") {
  Watched job;
  job.hears(1, "opened");
  SUBCASE("by the event") { CHECK(job.tells(2, "ended", "ended") == "ended"); }
  SUBCASE("by a state, when the event was missed") { CHECK(job.tells(2, "state", "ended") == "ended"); }
  CHECK(job.tells(2, "state", "ended") == "");
  CHECK(job.tells(3, "state", "ended") == "");
  job.epoch = 2;
  CHECK_MESSAGE(job.tells(0, "state", "ended") == "", "a restarted broker changes nothing about it");
}

TEST_CASE("who comes after the end is told the end") {
  Watched job;
  CHECK(job.tells(9, "state", "ended") == "ended");
}

TEST_CASE("a restarted broker counts anew, its jobs go on") {
  Watched job;
  job.hears(1, "opened");
  job.hears(2, "started");
  job.epoch = 2;
  CHECK(job.tells(1, "state") == "state");
  CHECK(job.tells(2, "started") == "");
  job.epoch = 1;
  CHECK_MESSAGE(job.tells(8, "progress") == "", "an event of the past");
}

TEST_CASE("another store is another broker") {
  Watched job;
  job.hears(1, "opened");
  job.hears(2, "started");
  job.hears(3, "ended", "ended");
  job.store = StoreId{2};
  CHECK(job.tells(1, "opened") == "opened");
  CHECK(job.tells(2, "started") == "started");
  CHECK(job.tells(3, "ended", "ended") == "ended");
}

TEST_CASE("an unknown job is told once, and may be opened later") {
  Watched job;
  CHECK(job.tells(0, "unknown") == "unknown");
  CHECK(job.tells(0, "unknown") == "");
  CHECK(job.tells(1, "opened") == "opened");
  job.hears(2, "ended", "ended");
  CHECK_MESSAGE(job.tells(0, "unknown") == "", "it has ended, and was forgotten since");
}

TEST_CASE("a worker that comes back under its name is seen") {
  EventFilter filter;
  const auto told = [&](std::uint64_t seq, std::string event) {
    return filter.admit({"worker.w1.", std::move(event), 1, StoreId{1}, seq, Row{{"worker", "w1"}}}).has_value();
  };
  CHECK(told(1, "joined"));
  CHECK(told(2, "left"));
  CHECK(told(1, "joined"));
}

TEST_CASE("topics without end take no memory without end") {
  EventFilter filter;
  for (std::size_t i = 0; i <= limits::kWatchedTopics; ++i) {
    filter.admit({"job." + std::to_string(i) + ".", "opened", 1, StoreId{1}, 1, {}});
  }
  CHECK_MESSAGE(filter.admit({"job.0.", "opened", 1, StoreId{1}, 1, {}}), "forgotten, so it is news again");
  CHECK_FALSE(filter.admit({"job.2.", "opened", 1, StoreId{1}, 1, {}}));
}

TEST_CASE("a cancelled job with nothing left has ended") {
  EventFilter filter;
  const auto told =
      filter.admit({"job.7.", "state", 1, StoreId{1}, 4, Row{{"state", "cancelled"}, {"left", std::uint64_t{0}}}});
  CHECK(told.value().event.event == "ended");
}

TEST_CASE("the outcome follows from the last event") {
  CHECK(outcome_of({{"outcome", "done"}}) == Outcome::done);
  CHECK(outcome_of({{"outcome", "failed"}, {"failed", std::uint64_t{2}}}) == Outcome::failed);
  CHECK(outcome_of({{"outcome", "cancelled"}, {"cancelled", std::uint64_t{0}}}) == Outcome::cancelled);
  CHECK(outcome_of({{"state", "cancelled"}}) == Outcome::cancelled);
  CHECK(outcome_of({{"cancelled", std::uint64_t{3}}}) == Outcome::cancelled);
}

}  // namespace stint::tool
