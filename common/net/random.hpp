// Randomness for identities and for jitter, from the kernel. Drawn by main() or a shell and handed on; cores draw
// nothing.
//
//   const Incarnation self{random_bits()};
//
// May be called from any thread. Throws std::system_error if the kernel has none to give.
#pragma once

#include <cstdint>

namespace stint {

std::uint64_t random_bits();  // never 0, which means "none" in every identity

}  // namespace stint
