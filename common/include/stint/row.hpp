// Named values for people and programs: a line of a listing, the fields of an event. What a table shows and what --json
// prints are the same row.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace stint {

using Value = std::variant<bool, std::int64_t, std::uint64_t, double, std::string, std::vector<std::string>>;

class Row {
 public:
  Row() = default;
  Row(std::initializer_list<std::pair<std::string, Value>> fields) : fields_(fields) {}

  void set(std::string_view name, Value value);
  const Value* find(std::string_view name) const;     // null when there is no such field
  std::uint64_t number(std::string_view name) const;  // 0 when absent or no whole number
  std::string text(std::string_view name) const;      // "" when absent or no text
  const std::vector<std::pair<std::string, Value>>& fields() const { return fields_; }
  friend bool operator==(const Row&, const Row&) = default;

 private:
  std::vector<std::pair<std::string, Value>> fields_;  // in the order in which people should read them
};

}  // namespace stint
