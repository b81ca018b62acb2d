#include "common/net/random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace stint {

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  while (bits == 0) {
    const ssize_t got = getrandom(&bits, sizeof bits, 0);
    if (got == sizeof bits) continue;
    if (got < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    bits = 0;
  }
  return bits;
}

}  // namespace stint
