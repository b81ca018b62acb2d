// What a store holds when a broker starts on it. Reads the tables of numbers only, so that ten million waiting tasks
// take no longer than a blink. Whole come only dead letters and what a reader of a streaming job has not consumed:
// their bytes are bounded.
//
//   Recovered recovered = recover(database);
//   core.restore(std::move(recovered.found), out);
//
// Throws StoreError where rows contradict each other: less than what was acknowledged is never taken for all of it.
#pragma once

#include <cstdint>
#include <set>

#include "broker/store/database.hpp"
#include "broker/store/gather.hpp"

namespace stint::broker {

struct Recovered {
  Found found;
  Books books;
  std::set<JobId> garbage;  // jobs with rows that wait for their removal
};

Recovered recover(Database& database);

}  // namespace stint::broker
