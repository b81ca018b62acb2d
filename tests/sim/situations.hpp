// Situations that chance alone brings about in one run of a thousand: each of them is made frequent in a few of a hundred, in which
// everything else goes well.
//
//   if (random.chance(kSituations)) draw_situation(options, random);
#pragma once

#include "tests/sim/options.hpp"
#include "tests/sim/random.hpp"

namespace stint::sim {

// One of them. The parties stay as they were drawn, as far as the situation allows; all that goes wrong is the situation's.
void draw_situation(Options& options, Random& random);

}  // namespace stint::sim
