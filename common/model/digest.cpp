#include "common/model/digest.hpp"

#include <isa-l/crc.h>

#include <array>

namespace stint {
namespace {

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

}  // namespace stint
