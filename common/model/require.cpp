#include "common/model/require.hpp"

#include <cstdio>
#include <cstdlib>

namespace stint {

void broken_promise(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "stint: internal error, please report it: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace stint
