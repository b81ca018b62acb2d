#include "broker/shell/heap.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace stint::broker {
namespace {

constexpr std::intptr_t kMiB = 1 << 20;
constexpr std::intptr_t kGrowth = 32 * kMiB;

bool has_huge_pages() { return std::filesystem::exists("/sys/kernel/mm/transparent_hugepage"); }

// Whether the kernel was asked for huge pages where `address` lies, as /proc/self/smaps says: "hg" among the flags.
bool is_advised(std::uintptr_t address) {
  std::ifstream smaps("/proc/self/smaps");
  bool is_here = false;
  for (std::string line; std::getline(smaps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::istringstream range(line);
    if (range >> std::hex >> begin >> dash >> end && dash == '-') is_here = begin <= address && address < end;
    if (is_here && line.starts_with("VmFlags:")) return line.find(" hg") != std::string::npos;
  }
  return false;
}

// The heap grows as when malloc() asks for more, under sanitizers too, whose malloc() does not.
std::uintptr_t grown_heap() { return reinterpret_cast<std::uintptr_t>(sbrk(kGrowth)); }

TEST_CASE("what a long queue makes the heap grow by is on huge pages, and what a short one does is not" *
          doctest::skip(!has_huge_pages())) {
  HugePages pages;
  const std::uintptr_t first = grown_heap();
  CHECK(!is_advised(first + kGrowth - kMiB));
  pages.follow();
  CHECK(!is_advised(first + 23 * kMiB));
  CHECK(is_advised(first + 25 * kMiB));

  const std::uintptr_t second = grown_heap();
  CHECK(!is_advised(second));
  pages.follow();
  CHECK(is_advised(second));

  SUBCASE("a heap that has shrunk is followed again when it grows") {
    sbrk(-kGrowth);
    pages.follow();
    const std::uintptr_t again = grown_heap();
    CHECK(!is_advised(again));
    pages.follow();
    CHECK(is_advised(again));
  }
}

}  // namespace
}  // namespace stint::broker
