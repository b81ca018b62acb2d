#include "common/model/escape.hpp"

#include "common/model/utf8.hpp"

namespace stint {
namespace {

bool is_harmless(std::uint32_t c) {
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return false;                 // C0, DEL, C1
  if (c >= 0x202A && c <= 0x202E) return false;                          // direction overrides
  return !((c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029);  // isolates, line separators
}

void append_escaped(std::string& out, unsigned char byte) {
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      break;
  }
  constexpr char kDigits[] = "0123456789abcdef";
  out += "\\x";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

}  // namespace

std::string escaped(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const CodePoint c = code_point(bytes);
    const std::size_t size = c.size == 0 ? 1 : c.size;
    if (c.size != 0 && is_harmless(c.value)) {
      out += bytes.substr(0, size);
    } else {
      for (std::size_t i = 0; i < size; ++i) append_escaped(out, static_cast<unsigned char>(bytes[i]));
    }
    bytes.remove_prefix(size);
  }
  return out;
}

}  // namespace stint
