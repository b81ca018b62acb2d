// Whether a job has ended, and how, from its row in a listing or an event.
#pragma once

#include "stint/row.hpp"
#include "tools/show/exit_codes.hpp"

namespace stint::tool {

enum class Outcome { done, failed, cancelled };

bool is_over(const Row& job);
Outcome outcome_of(const Row& job);  // of one that is over
Exit exit_of(const Row& job);        // likewise
Exit worse(Exit a, Exit b);          // what a command says that was about both

}  // namespace stint::tool
