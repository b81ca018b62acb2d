// CRC32C (RFC 3720, appendix B.4) over each task's size (u32, little-endian) and its bytes, in order of the index: what client and
// broker compare to know that a job resumed under the same key is fed the same input.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/model/batch.hpp"
#include "common/model/outcome.hpp"

namespace stint {

class Digest {
 public:
  Digest() = default;
  explicit Digest(std::uint32_t value) : value_(value) {}

  void add(std::string_view task);
  void add_each(const Batch& tasks);  // the same for all of them, with fewer and longer sums
  std::uint32_t value() const { return value_; }
  friend bool operator==(const Digest&, const Digest&) = default;

 private:
  std::uint32_t value_ = 0;
};

// Over how tasks ended: for each its index, how, and both outputs. The order of ending makes no difference, so that two runs of a job
// with the same results have the same digest: the digests of batches are added up (modulo 2^64).
std::uint64_t outcomes_digest(const Outcomes& outcomes);

}  // namespace stint
