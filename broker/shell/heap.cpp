#include "broker/shell/heap.hpp"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

std::uintptr_t heap_end() { return reinterpret_cast<std::uintptr_t>(sbrk(0)); }

}  // namespace

void share_heap() {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TOP_PAD, 8 * limits::kMiB);
#endif
}

HugePages::HugePages() : spared_(heap_end() + 24 * limits::kMiB), end_(heap_end()) {}

void HugePages::follow() {
  const std::uintptr_t end = heap_end();
  const std::uintptr_t begin = std::max(end_, spared_);
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
  end_ = end;
}

}  // namespace stint::broker
