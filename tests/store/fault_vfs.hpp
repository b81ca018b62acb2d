// A file system for SQLite that records what is written and synced, can fail any call, and knows what a disk may look
// like after the power was cut.
//
//   FaultDisk disk;
//   Engine engine({.directory = directory, .vfs = disk.name()});
//   ...
//   disk.write_as_after_cut(k, cut, other_directory);       // as if the power had gone right after the k-th call
//   disk.fail(k, Fault::no_space);                          // from now on counting calls from 1
//
// Calls are passed on to the usual file system. One store at a time uses it, in one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace stint::broker {

struct Call {
  enum class What : std::uint8_t { open, write, truncate, sync, remove, directory };
  What what = What::write;
  std::string file;  // its name within the directory
  std::uint64_t offset = 0;
  std::string bytes;
};

enum class Fault : std::uint8_t { none, io_error, no_space, short_write };

// What becomes of writes that nothing has synced.
enum class Cut : std::uint8_t {
  lost,  // all of them
  kept,  // none: they happened to reach the disk
  some,  // any of them, by chance
  torn,  // all but the last, of which only a part is there
};

class FaultDisk {
 public:
  FaultDisk();
  FaultDisk(const FaultDisk&) = delete;
  FaultDisk& operator=(const FaultDisk&) = delete;
  ~FaultDisk();

  const char* name() const { return "stint-fault"; }

  // --- recording ---
  void directory_synced() {
    calls_.push_back({Call::What::directory, {}, 0, {}});
  }  // what was removed is gone for good
  const std::vector<Call>& calls() const { return calls_; }
  void write_as_after_cut(std::size_t calls, Cut cut, std::uint64_t seed, const std::filesystem::path& directory) const;

  std::size_t syncs() const;

  // --- failing ---
  void fail(std::size_t call, Fault fault);  // the call with that number, from 1, counted from now; once
  bool has_failed() const { return has_failed_; }
  Call::What failed() const { return failed_; }

  // For the file system's functions: notes the call, and says what is to become of it.
  Fault note(Call call);
  int cause() const { return cause_; }  // errno of the last fault; 0 = none

 private:
  std::vector<Call> calls_;
  std::size_t until_fault_ = 0;
  Fault fault_ = Fault::none;
  Call::What failed_ = Call::What::write;
  bool has_failed_ = false;
  int cause_ = 0;
};

}  // namespace stint::broker
