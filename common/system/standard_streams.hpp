// Descriptors 0, 1 and 2 when somebody starts a program without them, as `program <&-` does.
//
//   int main() { hold_standard_streams(); ... }      // before anything is opened
//
// Otherwise the next file or socket gets such a number, and is taken for standard input, output or error.
#pragma once

namespace stint {

// Those that are closed are held open on /dev/null, the wrong way round: reading standard input and writing the others then fails with
// EBADF, as it would have. Any thread, but there had better be one only.
void hold_standard_streams() noexcept;

}  // namespace stint
