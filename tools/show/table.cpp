#include "tools/show/table.hpp"

#include <algorithm>
#include <cstdio>

#include "tools/show/text.hpp"

namespace stint::tool {
namespace {

struct Shown {
  std::string operator()(bool value) const { return value ? "yes" : ""; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(std::uint64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const {
    char text[64];
    std::snprintf(text, sizeof text, "%.3g", value);
    return text;
  }
  std::string operator()(const std::string& value) const { return escaped(value); }
  std::string operator()(const std::vector<std::string>& values) const {
    std::string text;
    for (const std::string& value : values) text += (text.empty() ? "" : ",") + escaped(value);
    return text;
  }
};

std::string shown(const Row& row, std::string_view name) {
  const Value* value = row.find(name);
  return value == nullptr ? std::string() : std::visit(Shown(), *value);
}

bool is_empty(const std::string& cell) { return cell.empty() || cell == "0"; }

bool is_number(const Row& row, std::string_view name) {
  const Value* value = row.find(name);
  return value == nullptr || std::holds_alternative<std::int64_t>(*value) ||
         std::holds_alternative<std::uint64_t>(*value) || std::holds_alternative<double>(*value);
}

std::vector<std::string> names_of(const std::vector<Row>& rows, const std::vector<std::string_view>& first,
                                  const std::vector<std::string_view>& hidden) {
  std::vector<std::string> names(first.begin(), first.end());
  for (const Row& row : rows) {
    for (const auto& [name, value] : row.fields()) {
      const bool known = std::find(names.begin(), names.end(), name) != names.end();
      if (!known && std::find(hidden.begin(), hidden.end(), name) == hidden.end()) names.push_back(name);
    }
  }
  std::erase_if(names, [&](const std::string& name) {
    return std::all_of(rows.begin(), rows.end(), [&](const Row& row) { return is_empty(shown(row, name)); });
  });
  return names;
}

}  // namespace

std::string table(const std::vector<Row>& rows, const std::vector<std::string_view>& first,
                  const std::vector<std::string_view>& hidden) {
  std::vector<std::string> lines(rows.size() + 1);
  for (const std::string& name : names_of(rows, first, hidden)) {
    const bool right = std::all_of(rows.begin(), rows.end(), [&](const Row& row) { return is_number(row, name); });
    std::vector<std::string> cells{name};
    for (const Row& row : rows) cells.push_back(shown(row, name));
    std::size_t width = 0;
    for (const std::string& cell : cells) width = std::max(width, columns(cell));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(width - columns(cells[i]), ' ');
      lines[i] += (lines[i].empty() ? "" : "  ") + (right ? padding + cells[i] : cells[i] + padding);
    }
  }
  std::string text;
  for (std::string& line : lines) text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  return text;
}

std::string lines(const Row& row) {
  std::size_t width = 0;
  for (const auto& [name, value] : row.fields()) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, value] : row.fields()) {
    const std::string cell = std::visit(Shown(), value);
    if (!cell.empty()) text += name + std::string(width - name.size() + 2, ' ') + cell + "\n";
  }
  return text;
}

}  // namespace stint::tool
