// A picture of what was measured.
#pragma once

#include <string>

#include "tools/bench/bench.hpp"

namespace stint::bench {

// Throws std::runtime_error when the file cannot be written, or gnuplot is missing: to be known before anything is measured.
void require_drawable(const std::string& path);

// Writes an SVG with a bar for each rate and each median latency. Throws std::runtime_error when gnuplot cannot do it.
void draw(const Report& report, const std::string& path);

}  // namespace stint::bench
