// How many bytes this thread has asked the heap for: to prove that a few bytes from a stranger cannot ask for many.
//
//   const std::uint64_t before = allocated_bytes();
#pragma once

#include <cstdint>

namespace stint::test {

std::uint64_t allocated_bytes();

}  // namespace stint::test
