#include "tools/bench/part.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

namespace stint::bench {
namespace {

struct Part {
  const char* name;
  void (*play)(const Arguments&);
};

constexpr Part kParts[] = {
    {"proxy", play_proxy},   {"echo", play_echo},   {"sender", play_sender},   {"worker", play_worker},
    {"client", play_client}, {"crowd", play_crowd}, {"dealers", play_dealers}, {"idle", play_idle},
};

}  // namespace

void play_part(const Arguments& arguments) {
  for (const Part& part : kParts) {
    if (!arguments.empty() && arguments.front() == part.name) {
      return part.play({arguments.begin() + 1, arguments.end()});
    }
  }
  throw std::runtime_error("`stint bench part` is for `stint bench` itself, and takes the name of a part");
}

void obey(const Json& ready, const Answer& answer) {
  std::cout << ready.dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream rest(line);
    std::string verb;
    rest >> verb;
    std::cout << answer(verb, rest).dump() << std::endl;
  }
  std::_Exit(EXIT_SUCCESS);  // the sockets and threads of a part are nobody's any more
}

bool contains(const Arguments& arguments, const std::string& word) {
  return std::find(arguments.begin(), arguments.end(), word) != arguments.end();
}

}  // namespace stint::bench
