#include "tools/show/line_source.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/model/limits.hpp"
#include "common/net/wait.hpp"

namespace stint::tool {

LineSource::LineSource(int fd, char separator, std::size_t limit)
    : fd_(fd), separator_(separator), limit_(limit), buffer_(limits::kReadBytes, '\0') {}

bool LineSource::next(std::string_view& line) {
  for (;;) {
    const char* found = static_cast<const char*>(std::memchr(buffer_.data() + scanned_, separator_, end_ - scanned_));
    const std::size_t stop = found == nullptr ? end_ : static_cast<std::size_t>(found - buffer_.data());
    const bool complete = found != nullptr || (at_end_ && end_ > begin_);
    if ((complete || end_ > begin_) && stop - begin_ > limit_) return ++number_, too_long_ = true, false;
    if (complete) {
      line = std::string_view(buffer_).substr(begin_, stop - begin_);
      begin_ = scanned_ = std::min(stop + 1, end_);
      return ++number_, true;
    }
    scanned_ = end_;
    if (at_end_ || !fill()) return false;
  }
}

// Makes room behind what is unread, and reads what is there; waits for it, so that stop() can end the waiting.
bool LineSource::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < limits::kReadBytes / 2) buffer_.resize(buffer_.size() * 2);
  while (!stopped_) {
    stint::wait({fd_, wakeup_.fd()}, TimePoint::max());
    if (stopped_) break;
    const ssize_t n = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
    if (n > 0) return end_ += static_cast<std::size_t>(n), true;
    if (n == 0) return at_end_ = true;
    if (errno != EINTR && errno != EAGAIN)
      throw std::system_error(errno, std::generic_category(), "cannot read the tasks");
  }
  return false;
}

void LineSource::stop() {
  stopped_ = true;
  wakeup_.wake();
}

}  // namespace stint::tool
