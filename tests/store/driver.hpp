// A store in a directory of its own, driven one step at a time.
//
//   TempDirectory directory;
//   Driver store({.directory = directory.path()});
//   store.commit({PutJob{...}, AppendTasks{...}});        // waits until both are durable
//   auto tasks = store.fetch(WantedTasks{job, 0, 1000});
//
// Every wait has a deadline, after which the test fails.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "broker/store/sqlite_store.hpp"

namespace stint::broker {

constexpr StoreId kFresh{0x5107e};

class TempDirectory {
 public:
  TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory();
  std::filesystem::path path() const { return root_ / "store"; }
  const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_;
};

class Driver {
 public:
  explicit Driver(SqliteOptions options);

  const Opened& opened() const { return opened_; }
  void append(Change change);
  void commit(std::vector<Change> changes);
  CommitId committed() const { return committed_; }
  CommitId appended() const { return last_; }
  void wait_committed();
  std::string wait_full(bool full);  // until the store says that it is full, or is no more; what it said
  FetchedTasks fetch(WantedTasks wanted);
  FetchedResults fetch(WantedResults wanted);

 private:
  void wait();  // for news, and takes it
  bool take_news();
  Fetched fetched();

  std::unique_ptr<SqliteStore> store_;
  Opened opened_;
  CommitId last_{};
  CommitId committed_{};
  std::vector<Fetched> fetched_;
  std::string full_;
};

Batch batch_of(const std::vector<std::string>& payloads);
PutJob job_of(std::uint64_t id);

void execute(const std::filesystem::path& file, const std::string& sql);  // in a database that nobody has open
std::uint64_t number_in(const std::filesystem::path& file, const std::string& sql);
bool names(const std::string& text, const std::string& what);  // it is a part of the text

// What opening says when it fails; empty when it does not.
std::string refusal(const SqliteOptions& options);

}  // namespace stint::broker
