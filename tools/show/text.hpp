// Text laid out for people and for JSON.
//
//   fitted("a long name", 6) == "a lon\u2026"
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "common/model/escape.hpp"
#include "common/model/utf8.hpp"

namespace stint::tool {

// The columns that escaped text takes, counted as one for each code point.
std::size_t columns(std::string_view text);

// At most `width` columns of it; where something is cut off, the last of them says so.
std::string fitted(std::string_view text, std::size_t width);

std::string to_base64(std::string_view bytes);

}  // namespace stint::tool
