#include "common/net/allocator.hpp"

#include <malloc.h>

#include "common/model/limits.hpp"

namespace stint {

void tune_allocator() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 * limits::kMiB);  // batches of 256 KiB come from the heap, single large payloads do not
  mallopt(M_TRIM_THRESHOLD, 16 * limits::kMiB);
  mallopt(M_TOP_PAD, 1 * limits::kMiB);
#endif
}

}  // namespace stint
