// What to run for a task: an argument vector with a place for the payload.
//
//   CommandTemplate wc{.arguments = {"wc", "-c", "{}"}};
//   wc.build("book.txt") == {"wc", "-c", "book.txt"}
//
// Without a shell the payload replaces every {} and is appended when there is none. With a shell it is $1, and {}
// stands for "$1", so that no payload is ever read as shell text. Values; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stint::worker {

struct CommandTemplate {
  std::vector<std::string> arguments{};
  bool shell = false;           // the arguments, joined by spaces, are text for /bin/sh
  bool standard_input = false;  // the payload is not an argument but what the command reads

  std::vector<std::string> build(std::string_view payload) const;
  std::optional<std::string> objection(std::string_view payload) const;  // why the payload cannot be passed
};

}  // namespace stint::worker
