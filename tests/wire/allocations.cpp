#include "tests/wire/allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::uint64_t asked_for = 0;

}  // namespace

std::uint64_t stint::test::allocated_bytes() { return asked_for; }

void* operator new(std::size_t size) {
  asked_for += size;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
