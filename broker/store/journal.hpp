// Small commits, a row of one table for each of their changes. What a lone task changes lies in five tables, each on a page of its own:
// more to write than all else that its commit costs. So it goes into the journal, and from there into the tables with the next commit
// that is not small, or when many have gathered.
//
//   Journal journal(database);
//   if (Journal::takes(changes)) journal.append(changes);   // within a transaction
//   for (const Change& change : journal.read()) write(change);
//   journal.clear();                                        // within the transaction that has written them
//
// It is a table, and has nothing to do with what SQLite calls so. One thread at a time. Throws what Database does; StoreError where a row is not what was appended.
#pragma once

#include <vector>

#include "broker/core/changes.hpp"
#include "broker/store/database.hpp"

namespace stint::broker {

class Journal {
 public:
  explicit Journal(Database& database);

  // Few, with little payload, and of the kinds that come with every task.
  static bool takes(const std::vector<Change>& changes);

  void append(const std::vector<Change>& changes);
  std::vector<Change> read();  // all, in the order of their appending
  void clear();

 private:
  void append(const AppendTasks& append);
  void append(const AppendOutcomes& append);
  void append(const ReserveTasks& reserve);
  void append(const TrimResults& trim);
  void append(const DropTasks& drop);
  template <class Other>
  void append(const Other&);
  Change change_in_row();
  Change outcomes_in_row();
  [[noreturn]] void damaged();

  Database& database_;
  Statement put_tasks_, put_outcomes_, put_bound_, rows_, clear_;
};

}  // namespace stint::broker
