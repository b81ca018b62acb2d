// UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF): what text on the wire has to be, and what a terminal is
// shown.
//
//   if (!is_utf8(name)) refuse();
//   send(clean_utf8(reason, limits::kMaxTextBytes));
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stint {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size = 0;  // bytes; 0 = the text does not begin with valid UTF-8
};

CodePoint code_point(std::string_view text);  // the first one. Requires: not empty

bool is_utf8(std::string_view text);

// The same text where it is valid, else each wrong byte replaced by U+FFFD; cut before the first character that exceeds
// `limit` bytes.
std::string clean_utf8(std::string_view text, std::size_t limit);

}  // namespace stint
