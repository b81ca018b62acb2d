// Tasks from a pipe or file: the bytes between separators, read in large blocks, nothing allocated for a line.
//
//   LineSource lines(STDIN_FILENO, '\n', limits::kMaxPayloadBytes);
//   std::string_view line;
//   while (lines.next(line)) job.write(line);
//   if (lines.is_too_long()) refuse(lines.number());
//
// Carriage returns and NUL bytes are bytes like any other; a last line without a separator is a line; a separator at
// the end begins none. A line is handed out as soon as it is complete, however slowly they come.
//
// One thread reads; stop() may be called by any other, and by none after the end of this object's life.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/system/wakeup.hpp"

namespace stint::tool {

class LineSource {
 public:
  LineSource(int fd, char separator, std::size_t limit);

  // False at the end, at a line that is longer than the limit, and after stop(). The view holds until the next call. A
  // reading error throws std::system_error.
  bool next(std::string_view& line);

  std::uint64_t number() const { return number_; }  // of the last line, from 1; also of one that is too long
  bool is_too_long() const { return too_long_; }
  void stop();

 private:
  bool fill();

  int fd_;
  char separator_;
  std::size_t limit_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of what is unread in the buffer
  std::size_t end_ = 0;      // of what is in the buffer
  std::size_t scanned_ = 0;  // no separator before here
  std::uint64_t number_ = 0;
  bool at_end_ = false;
  bool too_long_ = false;
  std::atomic<bool> stopped_{false};
  Wakeup wakeup_;
};

}  // namespace stint::tool
