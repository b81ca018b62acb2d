// Reads tasks and results back while the broker serves.
//
//   Reader reader(database);
//   FetchedTasks tasks = reader.fetch(WantedTasks{job, first, bytes});
//
// Throws StoreError where what must be there is not, or is damaged.
#pragma once

#include <optional>
#include <vector>

#include "broker/core/changes.hpp"
#include "broker/store/database.hpp"

namespace stint::broker {

class Reader {
 public:
  explicit Reader(Database& database);

  FetchedTasks fetch(const WantedTasks& wanted);
  FetchedResults fetch(const WantedResults& wanted);

 private:
  FetchedResults by_position(const WantedResults& wanted);
  FetchedResults by_task(const WantedResults& wanted);
  std::vector<JobResults> unpacked(Statement& row, JobId job);

  Database& database_;
  Statement chunks_, results_, results_by_task_;
};

}  // namespace stint::broker
