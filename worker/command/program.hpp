// The first word of a command, looked for as exec does it.
//
//   objection_to("convert") == ""                      // it can be run
//   objection_to("photos/") == "it is a directory; name a program in it"
#pragma once

#include <string>

namespace stint::worker {

// What keeps it from being run, and what helps; empty: nothing that can be seen before it is tried. Reads PATH and the
// program's first line; any thread.
std::string objection_to(const std::string& program);

}  // namespace stint::worker
