// The store on a disk: one SQLite file, and a thread that makes durable together what has gathered since its last
// commit.
//
//   SqliteStore store({.directory = "/var/lib/stint", .fresh = StoreId{random_bits()}});
//   Opened opened = store.take_opened();            // whose leases are ours, and what was there
//   store.append(commit, change); ...               // as store.hpp says
//
// append() and fetch() only gather; news() hands over to the thread what has gathered. fd() is readable when news() has
// something to say. An idle store does nothing at all. Destroying it commits what was appended, and gives the directory
// free. README.md beside this file says what lies there.
//
// Used by one thread; the inner one is its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "broker/store/store.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {

struct SqliteOptions {
  std::filesystem::path directory{};
  StoreId fresh{};                                           // random bits: who the store is, if it is born now
  std::uint64_t reserve_bytes = limits::kStoreReserveBytes;  // 0 = no reserve: a full disk ends the broker
  std::uint64_t log_bytes = limits::kStoreLogBytes;          // beyond which SQLite's log is emptied into the main file
  const char* vfs = nullptr;                                 // SQLite's name of another file system, for tests
};

struct Opened {
  StoreId store{};
  std::uint64_t epoch = 0;  // the broker's start number, durable
  Found found;
};

class SqliteStore final : public StoreInterface {
 public:
  // Throws StoreError: the directory is held by another broker, damaged, no store, of a newer version, or cannot be
  // written.
  explicit SqliteStore(const SqliteOptions& options);
  ~SqliteStore() override;

  Opened take_opened();  // once

  void append(CommitId commit, Change change) override;
  void fetch(Wanted wanted) override;
  StoreNews news() override;
  int fd() const override;

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
  Opened opened_;
};

}  // namespace stint::broker
