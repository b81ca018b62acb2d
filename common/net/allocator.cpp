#include "common/net/allocator.hpp"

#include <malloc.h>

#include "common/model/limits.hpp"

namespace stint {

void tune_allocator() {
#ifdef __GLIBC__
  // A mapping of its own costs a page fault for every 4 KiB, each time: for large payloads more than all the rest.
  mallopt(M_MMAP_THRESHOLD, 4 * limits::kMiB);
  // As large as a thread's heap becomes at the most, so that it is never cut back: some machines take 10 us to provide a page again.
  mallopt(M_TRIM_THRESHOLD, 64 * limits::kMiB);
  mallopt(M_TOP_PAD, 1 * limits::kMiB);
#endif
}

}  // namespace stint
