#include "common/model/utf8.hpp"

#include <cstring>

namespace stint {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Where the ASCII at the beginning ends, give or take seven characters: most text is nothing else.
std::size_t skip_ascii(std::string_view text) {
  std::size_t at = 0;
  for (std::uint64_t eight = 0; at + sizeof eight <= text.size(); at += sizeof eight) {
    std::memcpy(&eight, text.data() + at, sizeof eight);
    if ((eight & 0x8080'8080'8080'8080U) != 0) break;
  }
  return at;
}

}  // namespace

CodePoint code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (size == 0 || lead > 0xF4 || text.size() < size) return {};
  std::uint32_t value = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3FU);
  }
  const std::uint32_t least = size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, size};
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = skip_ascii(text); at < text.size();) {
    const std::size_t size = code_point(text.substr(at)).size;
    if (size == 0) return false;
    at += size;
  }
  return true;
}

std::string clean_utf8(std::string_view text, std::size_t limit) {
  std::string clean;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = code_point(text.substr(at)).size;
    const std::string_view next = size == 0 ? kReplacement : text.substr(at, size);
    if (clean.size() + next.size() > limit) break;
    clean.append(next);
    at += size == 0 ? 1 : size;
  }
  return clean;
}

}  // namespace stint
