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

}  // namespace stint
