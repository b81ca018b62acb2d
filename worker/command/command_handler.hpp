// A handler that runs a command for each task.
//
//   Guardian guardian;
//   worker.on("thumbnail", command_handler({.arguments = {"convert", "{}", "-"}}, guardian));
//
// Standard output is the result; an exit status other than 0, and a signal, are failures with the end of standard
// error. The command finds STINT_JOB, STINT_INDEX, STINT_ATTEMPT, STINT_TOKEN and STINT_KIND in its environment.
#pragma once

#include "stint/worker.hpp"
#include "worker/command/command_template.hpp"
#include "worker/command/guardian.hpp"

namespace stint::worker {

// Requires: the guardian outlives every task.
Handler command_handler(CommandTemplate command, Guardian& guardian);

Ending run_command(const CommandTemplate& command, Guardian& guardian, Task& task);

}  // namespace stint::worker
