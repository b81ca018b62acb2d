// How a job ended: in a sentence for people, in an exit code for scripts.
#pragma once

#include <optional>

#include "stint/client.hpp"
#include "stint/row.hpp"
#include "tools/show/exit_codes.hpp"
#include "tools/show/failures.hpp"
#include "tools/stint/console.hpp"

namespace stint::tool {

Row row_of(Client& client, JobId job);  // throws Refused when the broker knows it no more

// Totals, rate, what was handed out again, and the largest groups of failures, with a command to look at them.
void summarize(Console& console, const Row& row, std::optional<Duration> took, const FailureLog* failures);

}  // namespace stint::tool
