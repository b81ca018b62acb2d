// Inputs and outputs of the core in one line, for people who look for a bug.
#pragma once

#include <cstdint>
#include <string>

#include "broker/core/inputs.hpp"
#include "broker/record/format.hpp"

namespace stint::replay {

std::string described(const broker::Input& input);
std::string described(const broker::Action& action);
std::string described(const broker::record::Output& output);  // of which no more is known than what it was

}  // namespace stint::replay
