// A payload that was recorded as size and checksum only: other bytes of the same size that have the same checksum.
//
//   forged(7, checksum).size() == 7            // and Digest over it alone is `checksum`
//
// Checksums of payloads that stand behind each other follow from theirs, so whatever the core digests comes out as in the recorded run.
#pragma once

#include <cstdint>
#include <string>

namespace stint::replay {

// Throws RefusedRecording when no payload of this size has this checksum.
std::string forged(std::uint32_t size, std::uint32_t checksum);

}  // namespace stint::replay
