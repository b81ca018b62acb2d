#include "common/model/row.hpp"

#include <algorithm>

namespace stint {

void Row::set(std::string_view name, Value value) {
  const auto at = std::find_if(fields_.begin(), fields_.end(), [&](const auto& field) { return field.first == name; });
  if (at != fields_.end()) {
    at->second = std::move(value);
  } else {
    fields_.emplace_back(name, std::move(value));
  }
}

const Value* Row::find(std::string_view name) const {
  const auto at = std::find_if(fields_.begin(), fields_.end(), [&](const auto& field) { return field.first == name; });
  return at == fields_.end() ? nullptr : &at->second;
}

std::uint64_t Row::number(std::string_view name) const {
  const Value* value = find(name);
  if (value == nullptr) return 0;
  if (const auto* u = std::get_if<std::uint64_t>(value)) return *u;
  if (const auto* i = std::get_if<std::int64_t>(value)) return *i < 0 ? 0 : static_cast<std::uint64_t>(*i);
  return 0;
}

std::string Row::text(std::string_view name) const {
  const Value* value = find(name);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text == nullptr ? std::string() : *text;
}

}  // namespace stint
