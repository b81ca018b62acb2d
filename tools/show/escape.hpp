// Text of strangers made fit for a terminal. Names, keys and errors come from other people's programs; a control
// character in one of them could move the cursor, colour the screen or forge a line.
//
//   escaped("a\x1b[31mb") == "a\\x1b[31mb"
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace stint::tool {

bool is_utf8(std::string_view bytes);

// Control characters, direction overrides and what is no UTF-8 become \n, \t, \r, \xHH; all else stays as it is.
std::string escaped(std::string_view bytes);

// The columns that escaped text takes, counted as one for each code point.
std::size_t columns(std::string_view text);

// At most `width` columns of it; where something is cut off, the last of them says so.
std::string fitted(std::string_view text, std::size_t width);

std::string to_base64(std::string_view bytes);

}  // namespace stint::tool
