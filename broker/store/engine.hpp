// A store as it lies in its directory, opened and locked: everything that touches the disk. SqliteStore puts a thread around it.
//
//   Engine engine(options);
//   Opened opened = engine.take_opened();
//   engine.commit(changes);                         // durable when it returns
//   FetchedTasks tasks = engine.fetch(wanted);
//   while (engine.has_chores()) engine.do_chore();
//
// Every call throws StoreError when the store cannot keep its promise any more. One thread at a time.
#pragma once

#include <vector>

#include "broker/store/database.hpp"
#include "broker/store/directory.hpp"
#include "broker/store/reader.hpp"
#include "broker/store/recover.hpp"
#include "broker/store/sqlite_store.hpp"
#include "broker/store/writer.hpp"

namespace stint::broker {

class Engine {
 public:
  explicit Engine(const SqliteOptions& options);

  Opened take_opened() { return std::move(opened_); }

  void commit(const std::vector<Change>& changes);
  Fetched fetch(const Wanted& wanted);

  // What can wait until nobody does: emptying the log into the main file, removing what is superfluous.
  bool has_chores() const;
  void do_chore();

 private:
  DirectoryLock lock_;
  Database database_;
  Opened opened_;
  Recovered recovered_;
  Writer writer_;
  Reader reader_;
};

}  // namespace stint::broker
