// Text on the wire is UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
//
//   if (!is_utf8(name)) refuse();
//   send(clean_utf8(reason, limits::kMaxTextBytes));
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stint::wire {

bool is_utf8(std::string_view text);

// The same text where it is valid, else each wrong byte replaced by U+FFFD; cut before the first character that exceeds
// `limit` bytes.
std::string clean_utf8(std::string_view text, std::size_t limit);

}  // namespace stint::wire
