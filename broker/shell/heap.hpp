// Huge pages behind a long queue. A million queued tasks are 64 MB of messages, and what the kernel takes to provide a page of
// 4 KiB, from 0.1 us to 10 on some virtual machines, can be more than all else that is done for the 60 tasks on it.
//
//   share_heap();          // in main(), before there are threads
//   HugePages huge_pages;
//   huge_pages.follow();   // in each turn of the loop: before most of what the heap has grown by is written to
//
// glibc can do it by itself, but only the environment of a process can ask it to (GLIBC_TUNABLES=glibc.malloc.hugetlb=1).
#pragma once

#include <cstdint>

namespace stint::broker {

// All threads allocate from one heap, which grows by brk(), 8 MiB at once. Does nothing under allocators other than glibc's.
void share_heap();

// For one thread; others may allocate meanwhile.
class HugePages {
 public:
  HugePages();

  // Without a system call while the heap stays as large as it is. The next 24 MiB behind where it ended at first are spared: a
  // short queue needs no more, and to provide 2 MiB at once may take milliseconds, which other tasks would wait for. Where the
  // kernel has no huge pages to give nothing changes.
  void follow();

 private:
  std::uintptr_t spared_;  // up to here
  std::uintptr_t end_;     // of the heap, when it was looked at last
};

}  // namespace stint::broker
