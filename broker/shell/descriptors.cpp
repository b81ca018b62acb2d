#include "broker/shell/descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "common/model/limits.hpp"

namespace stint::broker {

std::uint64_t raise_descriptor_limit() {
  constexpr rlim_t kWanted = limits::kMaxPeers + limits::kSpareDescriptors;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return limits::kMaxPeers;
  if (files.rlim_cur < kWanted) {
    const rlimit raised{std::min<rlim_t>(files.rlim_max, kWanted), files.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) files = raised;
  }
  const std::uint64_t available = std::min<rlim_t>(files.rlim_cur, kWanted);
  return available - std::min(available, limits::kSpareDescriptors);
}

}  // namespace stint::broker
