// Starts a command in a process group of its own.
#pragma once

#include <sys/types.h>

#include "worker/command/guardian.hpp"

namespace stint::worker {

struct SpawnPlan {
  char* const* arguments = nullptr;    // ends in null; the first is looked up in PATH
  char* const* environment = nullptr;  // ends in null
  int input = -1;                      // become its descriptors 0, 1 and 2. Requires: each above 2
  int output = -1;
  int error = -1;
};

struct Spawned {
  pid_t process = -1;
  int error = 0;  // errno; not 0: there is no process
};

Spawned spawn(const SpawnPlan& plan, Guardian::Seat& seat);

}  // namespace stint::worker
