// How long to wait before the n-th try: doubled each time up to a cap, then a random half of it taken off, so that a thousand peers
// that lost the same broker do not all come back at once ("equal jitter", AWS Architecture Blog, 2015).
//
//   wait_until(now + backoff_delay(n, 100ms, 2s, random()));
#pragma once

#include <cstdint>

#include "common/model/time.hpp"

namespace stint {

// `n` counts from 1; `random` is any 64 random bits. Never less than half of the full delay.
Duration backoff_delay(std::uint32_t n, Duration base, Duration cap, std::uint64_t random);

}  // namespace stint
