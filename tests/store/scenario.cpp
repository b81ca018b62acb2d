#include "scenario.hpp"

#include <doctest/doctest.h>

#include "driver.hpp"
#include "story.hpp"

namespace stint::broker {
namespace {

constexpr JobId kMarker{1};  // what may be handed out of it tells how many steps there were

std::size_t steps_in(const Found& found) {
  return found.jobs.empty() || found.jobs.front().job.job != kMarker ? 0 : found.jobs.front().handed_upto;
}

}  // namespace

Scenario::Scenario(std::uint64_t seed, std::size_t steps) {
  Story story(seed, kMarker);
  models_.push_back(story.model());
  for (std::size_t step = 1; step <= steps; ++step) {
    std::vector<Change>& changes = steps_.emplace_back();
    if (step == 1) changes.push_back(job_of(value(kMarker)));
    if (step == 1) story.add(changes.back());
    for (std::uint64_t count = 1 + story.chance().below(5); count > 0; --count) changes.push_back(story.next());
    changes.push_back(ReserveTasks{kMarker, step});
    story.add(changes.back());
    models_.push_back(story.model());
  }
}

void Scenario::run(Engine& engine, const std::function<void(std::size_t)>& after) const {
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    engine.commit(steps_[step]);
    after(step + 1);
    while (engine.has_chores()) engine.do_chore();
  }
}

std::size_t Scenario::check(const Found& found) const {
  const std::size_t steps = steps_in(found);
  REQUIRE(steps < models_.size());
  models_[steps].check(found);
  return steps;
}

}  // namespace stint::broker
