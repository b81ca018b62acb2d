// What a broker would begin with that is started on this disk: held against what was told before, and against a second recovery.
#pragma once

#include "broker/core/options.hpp"
#include "tests/disk/disk.hpp"
#include "tests/sim/told.hpp"
#include "tests/sim/world.hpp"

namespace stint::sim {

// Everything that was told is there again. Recovering twice changes nothing: neither when the first one died after some of what it
// changed was durable, nor when all was. Throws Failure. The disk itself stays as it is.
void check_recovery(World& world, const broker::Options& options, const broker::Disk& disk, const Told& told);

}  // namespace stint::sim
