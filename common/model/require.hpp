// Our own bugs end the process, in release builds too: a broken promise must never become a wrong number. What a peer says is
// never checked with this (it gets an error reply), nor what the world does (that is an exception).
//
//   STINT_REQUIRE(at < size);
//   STINT_PROMISE(counts.total() == received, "each task is in exactly one state");     // one of those that users rely on
#pragma once

namespace stint {

// Called with what is wrong, in one line without a newline, instead of saying it; may save what helps, and should end the process.
// Set once, at the start. When it returns, or there is none, the process is aborted.
using BrokenPromiseHandler = void (*)(const char* what);
void on_broken_promise(BrokenPromiseHandler handler);

// `promise` is null where nothing that users rely on is at stake.
[[noreturn]] void broken_promise(const char* promise, const char* condition, const char* file, int line);

}  // namespace stint

#define STINT_PROMISE(condition, promise) \
  ((condition) ? static_cast<void>(0) : ::stint::broken_promise(promise, #condition, __FILE__, __LINE__))
#define STINT_REQUIRE(condition) STINT_PROMISE(condition, nullptr)
