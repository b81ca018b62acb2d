// Names come from strangers, and terminals obey control characters: what is printed for people goes through here.
#pragma once

#include <string>
#include <string_view>

namespace stint {

// Control characters (and DEL) as \n, \t or \xNN; a backslash as \\. UTF-8 passes unchanged.
std::string escaped(std::string_view text);

}  // namespace stint
