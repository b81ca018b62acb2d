// Standard output for a program in a pipe: whole lines at once, and a reader who has left is no error.
//
//   Output output(STDOUT_FILENO);
//   if (!output.write(line)) return;              // `| head -1` has seen enough
//
// Writes wait while the reader does; O_NONBLOCK is never set, because the descriptor is shared with the shell and
// others.
#pragma once

#include <string_view>

namespace stint::tool {

class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}

  // Everything, or false when the reader has gone. Any other failure (a full disk) throws std::system_error.
  bool write(std::string_view bytes);

  bool is_terminal() const;
  std::size_t terminal_columns() const;  // 80 where it cannot be said
  std::size_t terminal_lines() const;    // 24 where it cannot be said

 private:
  int fd_;
};

}  // namespace stint::tool
