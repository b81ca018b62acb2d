// A disk as a program without a store can use it: what durable figures are held against.
//
//   Disk disk(directory);
//   disk.measure();                      // a round: takes its turn beside the others
//   disk.bytes_per_second();             // medians of all rounds
//   disk.commit_us();
//
// Its file is in the directory given, and is removed with it. One thread.
#pragma once

#include <filesystem>
#include <vector>

namespace stint::bench {

// A directory of its own within another, removed at the end with all that is in it.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(const std::filesystem::path& within);  // throws std::runtime_error
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class Disk {
 public:
  explicit Disk(const std::filesystem::path& within);  // throws std::runtime_error, as measure() does
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  void measure();

  double bytes_per_second() const;  // written one behind the other, with a sync at the end
  double commit_us() const;         // a page appended and synced
  double slow_commit_us() const;    // of 100 the slowest

 private:
  ScratchDirectory directory_;
  int file_ = -1;
  std::vector<double> rates_;
  std::vector<double> commits_;
};

}  // namespace stint::bench
