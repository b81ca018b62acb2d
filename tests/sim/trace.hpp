// Messages in one line, for people who look for a bug.
#pragma once

#include <string>

#include "broker/core/changes.hpp"
#include "common/model/messages.hpp"

namespace stint::sim {

std::string described(const Envelope& envelope);
std::string described(const Event& event);
std::string described(const std::vector<Run>& runs);
std::string described(const Counts& counts);
std::string described(const broker::Fetched& fetched);

}  // namespace stint::sim
