// One sample of every message, with every field set to something other than its default.
#pragma once

#include <vector>

#include "common/model/messages.hpp"

namespace stint::test {

Batch some_batch();        // sizes differ
Outcomes some_outcomes();  // two of four tasks are not done, their indices are no run
std::vector<Envelope> sample_of_each_message();
Event sample_event();

}  // namespace stint::test
