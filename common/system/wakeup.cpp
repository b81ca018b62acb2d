#include "common/system/wakeup.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace stint {

Wakeup::Wakeup() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd (raise the limit of open files: ulimit -n)");
}

Wakeup::~Wakeup() { ::close(fd_); }

void Wakeup::wake() noexcept {
  if (woken_.exchange(true)) return;
  const std::uint64_t one = 1;
  while (::write(fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

// The flag goes down only after the descriptor is empty: the other way round, a wake() in between would be read away
// here while the flag says that the loop has been woken. What it leaves is seen all the same, because the caller looks
// after clear(). A flag whose descriptor is still empty is that of a wake() under way, which ends the next wait.
void Wakeup::clear() noexcept {
  if (!woken_.load()) return;
  std::uint64_t ignored = 0;
  ssize_t bytes = 0;
  do bytes = ::read(fd_, &ignored, sizeof ignored);
  while (bytes < 0 && errno == EINTR);
  if (bytes > 0) woken_.exchange(false);  // an exchange, so that what the skipped wakers left is seen
}

}  // namespace stint
