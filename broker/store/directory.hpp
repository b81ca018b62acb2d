// The directory of a store, held by one process at a time.
//
//   DirectoryLock lock(directory);       // throws StoreError: "... is in use by process 4711 on host7 ..."
//
// The lock is the kernel's (flock), so it ends with the process however that ends; the file DIR/lock says whose it is.
#pragma once

#include <filesystem>

namespace stint::broker {

// Creates it, for its owner alone, unless it is there. Throws StoreError.
void make_directory(const std::filesystem::path& directory);

// What was created or removed in it is durable. Throws StoreError.
void sync_directory(const std::filesystem::path& directory);

// An empty file for its owner alone, unless it is there. What is made beside it later takes its permissions over.
void make_file(const std::filesystem::path& file);

class DirectoryLock {
 public:
  explicit DirectoryLock(const std::filesystem::path& directory);  // throws StoreError
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock();  // removes the file

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace stint::broker
