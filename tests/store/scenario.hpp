// A fixed row of transactions, each of which can be told from the others by what a store holds after it.
//
//   Scenario scenario(seed, 20);
//   scenario.run(engine);                      // commits all of them, until one throws
//   scenario.check(engine);                    // some of them are there: all that were committed, in order, and no
//   half one
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "broker/store/engine.hpp"
#include "model.hpp"

namespace stint::broker {

class Scenario {
 public:
  Scenario(std::uint64_t seed, std::size_t steps);

  // Calls `after` with the number of committed transactions after each.
  void run(Engine& engine, const std::function<void(std::size_t)>& after) const;

  // How many transactions `found` holds. Doctest checks that it holds exactly what these have made.
  std::size_t check(const Found& found) const;

  std::size_t steps() const { return steps_.size(); }

 private:
  std::vector<std::vector<Change>> steps_;
  std::vector<Model> models_;  // after so many steps
};

}  // namespace stint::broker
