// A store as it lies in its directory, opened and locked: everything that touches the disk. SqliteStore puts a thread
// around it.
//
//   Engine engine(options);
//   Opened opened = engine.take_opened();
//   engine.commit(changes);                         // durable when it returns
//   FetchedTasks tasks = engine.fetch(wanted);
//   while (engine.has_chores()) engine.do_chore();
//
// Every call throws StoreError when the store cannot keep its promise any more. One thread at a time.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/store/database.hpp"
#include "broker/store/directory.hpp"
#include "broker/store/reader.hpp"
#include "broker/store/recover.hpp"
#include "broker/store/space.hpp"
#include "broker/store/sqlite_store.hpp"
#include "broker/store/writer.hpp"

namespace stint::broker {

class Engine {
 public:
  explicit Engine(const SqliteOptions& options);

  Opened take_opened() { return std::move(opened_); }

  void commit(const std::vector<Change>& changes);
  Fetched fetch(const Wanted& wanted);

  void finish();  // before it is closed: all that is durable is in its table, if there is room

  // Why no new tasks can be taken in, when that has changed; empty: there is room again.
  std::optional<std::string> take_full() { return space_.take_news(); }
  bool is_full() const { return space_.is_full(); }
  void look_for_room();  // after what takes room or frees some, and now and then while full: somebody may have made room

  // What can wait until nobody does: emptying the log into the main file, removing what is superfluous.
  bool has_chores() const;
  void do_chore();

 private:
  template <class Work>
  void write(Work work);
  bool is_log_long() const;

  DirectoryLock lock_;
  Database database_;
  Opened opened_;
  Recovered recovered_;
  Space space_;
  std::uint64_t log_bytes_;
  std::uint64_t page_bytes_;
  Writer writer_;
  Reader reader_;
};

}  // namespace stint::broker
