// Our own bugs end the process, in release builds too: a broken promise must never become a wrong number. What a peer says is
// never checked with this (it gets an error reply), nor what the world does (that is an exception).
#pragma once

namespace stint {

[[noreturn]] void broken_promise(const char* condition, const char* file, int line);

}  // namespace stint

#define STINT_REQUIRE(condition) \
  ((condition) ? static_cast<void>(0) : ::stint::broken_promise(#condition, __FILE__, __LINE__))
