// Numbers as they lie in tables on the wire: little-endian, without alignment. The loops compile to single loads and
// stores.
#pragma once

#include <cstdint>
#include <string>

namespace stint {

inline std::uint32_t load_u32(const char* bytes) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

inline std::uint64_t load_u64(const char* bytes) { return std::uint64_t{load_u32(bytes + 4)} << 32 | load_u32(bytes); }

inline void append_u32(std::string& bytes, std::uint32_t value) {
  const char raw[4] = {static_cast<char>(value), static_cast<char>(value >> 8), static_cast<char>(value >> 16),
                       static_cast<char>(value >> 24)};
  bytes.append(raw, sizeof raw);
}

inline void append_u64(std::string& bytes, std::uint64_t value) {
  append_u32(bytes, static_cast<std::uint32_t>(value));
  append_u32(bytes, static_cast<std::uint32_t>(value >> 32));
}

}  // namespace stint
