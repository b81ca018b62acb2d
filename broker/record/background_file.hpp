// A file that grows while nobody waits for the disk: what is appended gathers in memory, and a thread writes it.
//
//   BackgroundFile file(path);                    // throws std::system_error; never overwrites a file
//   if (!file.append(bytes)) ...                  // the disk is full or too slow: nothing more is taken
//   file.flush();                                 // returns when all is written, or cannot be
//
// No fsync: it outlives the process, also its kill but for the last moment, not a power cut. One thread appends; any may flush.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace stint::broker::record {

class BackgroundFile {
 public:
  explicit BackgroundFile(const std::string& path);
  BackgroundFile(const BackgroundFile&) = delete;
  BackgroundFile& operator=(const BackgroundFile&) = delete;
  ~BackgroundFile();

  bool append(std::string_view bytes);
  void flush();
  std::string error() const;  // why append() or flush() has failed; empty: it has not

 private:
  void write_on();
  std::string write(std::string_view bytes) const;

  int fd_;
  mutable std::mutex mutex_;
  std::condition_variable news_;     // for the thread
  std::condition_variable written_;  // for flush()
  std::string gathered_;
  std::string error_;
  bool writing_ = false;
  bool hurry_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace stint::broker::record
