#include "common/model/escape.hpp"

namespace stint {

std::string escaped(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string plain;
  plain.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      plain += "\\\\";
    } else if (c == '\n') {
      plain += "\\n";
    } else if (c == '\t') {
      plain += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      plain += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      plain += c;
    }
  }
  return plain;
}

}  // namespace stint
