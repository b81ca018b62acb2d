#include "common/model/digest.hpp"

#include <isa-l/crc.h>

#include <array>
#include <string>

#include "common/model/little_endian.hpp"

namespace stint {
namespace {

constexpr std::size_t kGatheredBytes = 8192;  // what stays in the first cache

// ISA-L computes the bare polynomial, without the inversions that RFC 3720 asks for at both ends.
std::uint32_t crc32c(std::uint32_t crc, const char* bytes, std::size_t size) {
  auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes));  // its signature lacks the const
  return ~crc32_iscsi(data, static_cast<int>(size), ~crc);
}

// The finalizer of splitmix64 (Steele, Lea, Flood 2014): spreads every bit over all others, so that sums of it rarely agree by chance.
std::uint64_t mixed(std::uint64_t bits) {
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111ebU;
  return bits ^ bits >> 31;
}

}  // namespace

void Digest::add(std::string_view task) {
  const auto size = static_cast<std::uint32_t>(task.size());
  const std::array<char, 4> head{static_cast<char>(size), static_cast<char>(size >> 8), static_cast<char>(size >> 16),
                                 static_cast<char>(size >> 24)};
  value_ = crc32c(value_, head.data(), head.size());
  if (!task.empty()) value_ = crc32c(value_, task.data(), task.size());
}

// Copying small tasks behind their sizes costs less than starting a sum for each of them.
void Digest::add_each(const Batch& tasks) {
  std::string gathered;
  gathered.reserve(kGatheredBytes);
  for (BatchCursor task(tasks); !task.done(); task.next()) {
    append_u32(gathered, task.size());
    const std::string_view bytes = task.view();
    const bool large = bytes.size() > kGatheredBytes / 4;
    if (!large) gathered.append(bytes);
    if (large || gathered.size() > kGatheredBytes * 3 / 4 - 4) {
      value_ = crc32c(value_, gathered.data(), gathered.size());
      gathered.clear();
    }
    if (large) value_ = crc32c(value_, bytes.data(), bytes.size());
  }
  if (!gathered.empty()) value_ = crc32c(value_, gathered.data(), gathered.size());
}

std::uint64_t outcomes_digest(const Outcomes& outcomes) {
  std::uint64_t sum = 0;
  for (OutcomeCursor task(outcomes); !task.done(); task.next()) {
    Digest outputs(task.not_done() == nullptr ? 0 : static_cast<std::uint32_t>(task.not_done()->code));
    outputs.add(task.result());
    outputs.add(task.error());
    sum += mixed(task.index() << 32 ^ task.index() >> 32 ^ outputs.value());
  }
  return sum;
}

}  // namespace stint
