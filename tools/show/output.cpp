#include "tools/show/output.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace stint::tool {
namespace {

// Somebody else has set O_NONBLOCK on a descriptor that we share with him.
void wait_until_writable(int fd) {
  pollfd item{fd, POLLOUT, 0};
  ::poll(&item, 1, -1);
}

winsize size_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return {};
  return size;
}

}  // namespace

bool Output::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EPIPE) {
      return false;
    } else if (errno == EAGAIN) {
      wait_until_writable(fd_);
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "cannot write the output");
    }
  }
  return true;
}

bool Output::is_terminal() const { return ::isatty(fd_) == 1; }

std::size_t Output::terminal_columns() const {
  const winsize size = size_of(fd_);
  return size.ws_col == 0 ? 80 : size.ws_col;
}

std::size_t Output::terminal_lines() const {
  const winsize size = size_of(fd_);
  return size.ws_row == 0 ? 24 : size.ws_row;
}

}  // namespace stint::tool
