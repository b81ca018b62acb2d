// Text of strangers made fit for a terminal. Names, keys and errors come from other people's programs; a control
// character in one of them could move the cursor, colour the screen or forge a line.
//
//   escaped("a\x1b[31mb") == "a\\x1b[31mb"
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace stint {

// Control characters, direction overrides and what is no UTF-8 become \n, \t, \r, \xHH; all else stays as it is.
std::string escaped(std::string_view bytes);

}  // namespace stint
