// Every connection needs a file descriptor, and at the limit libzmq takes in nobody while one of its threads spins. So
// the limit is raised at the start as far as it goes.
#pragma once

#include <cstdint>

namespace stint::broker {

// Raises the process's limit of open files; returns how many peers may connect at once.
std::uint64_t raise_descriptor_limit();

}  // namespace stint::broker
