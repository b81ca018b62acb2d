// Rows as a table for people: a column for each name, in the order given, then the rest in the order of the rows. A
// column that is empty throughout vanishes. Numbers stand to the right, text is escaped.
//
//   std::cout << table(rows, {"job", "name", "state"}, {"reader"});
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stint/row.hpp"

namespace stint::tool {

// `first` come first, `hidden` not at all: those are for --json.
std::string table(const std::vector<Row>& rows, const std::vector<std::string_view>& first,
                  const std::vector<std::string_view>& hidden);

// One row, a line for each field that says something.
std::string lines(const Row& row);

}  // namespace stint::tool
