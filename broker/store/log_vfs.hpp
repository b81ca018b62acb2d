// SQLite's file system with one difference: a commit's pages reach the log in one write. SQLite writes each page of its log in two pieces,
// and every write costs about a tenth of the sync behind them.
//
//   LogVfs vfs(nullptr);
//   sqlite3_open_v2(file, &handle, flags, vfs.name());
//
// What is written to the log waits in memory until it is synced, cut or closed, until a read wants it, or until something is written
// elsewhere. An error of that one write is told by the call that was to let it go, and what waits is kept: so it cannot be lost to a call
// whose errors SQLite does not heed, and nothing counts as committed before its sync.
//
// It has to outlive the databases opened with it, and may be used by several threads.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <string>

namespace stint::broker {

class LogVfs {
 public:
  static constexpr std::size_t kMostBytes = 100 * 1024;  // that one write joins; SQLite's own file system takes less than 128 KiB at once

  explicit LogVfs(const char* base);  // the name of the file system below; null = the usual one. Throws StoreError: there is none
  LogVfs(const LogVfs&) = delete;
  LogVfs& operator=(const LogVfs&) = delete;
  ~LogVfs();

  const char* name() const { return name_.c_str(); }

 private:
  std::string name_;
  sqlite3_vfs vfs_{};
};

}  // namespace stint::broker
