// Bytes as people write them.
#pragma once

#include <string>
#include <string_view>

namespace stint::test {

inline std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) hex += {kDigits[static_cast<unsigned char>(byte) >> 4], kDigits[byte & 15]};
  return hex;
}

inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  std::string digits;
  for (const char digit : hex) {
    if (digit == ' ') continue;
    digits += digit;
    if (digits.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(digits, nullptr, 16));
    digits.clear();
  }
  return bytes;
}

}  // namespace stint::test
