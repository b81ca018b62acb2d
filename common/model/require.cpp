#include "common/model/require.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace stint {
namespace {

std::atomic<BrokenPromiseHandler> handler = nullptr;

}  // namespace

void on_broken_promise(BrokenPromiseHandler what_to_do) { handler = what_to_do; }

void broken_promise(const char* promise, const char* condition, const char* file, int line) {
  char what[1024];
  std::snprintf(what, sizeof what, "stint: %s, please report it: %s%s%s does not hold (%s:%d)",
                promise == nullptr ? "internal error" : "a promise is broken", promise == nullptr ? "" : promise,
                promise == nullptr ? "" : ": ", condition, file, line);
  if (const BrokenPromiseHandler handle = handler) {
    handle(what);
  } else {
    std::fprintf(stderr, "%s\n", what);
  }
  std::abort();
}

}  // namespace stint
