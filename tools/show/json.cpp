#include "tools/show/json.hpp"

#include <array>
#include <string_view>

#include "tools/show/text.hpp"

namespace stint::tool {
namespace {

// What every event of a job has, in this order.
constexpr std::array<std::string_view, 11> kFirst = {"job",     "name", "kind",   "total",     "queued", "delayed",
                                                     "running", "done", "failed", "cancelled", "left"};

}  // namespace

Json to_json(const Value& value) {
  return std::visit([](const auto& content) { return Json(content); }, value);
}

Json to_json(const Row& row) {
  Json json = Json::object();
  for (const auto& [name, value] : row.fields()) json[name] = to_json(value);
  return json;
}

Json to_json(const Event& event, std::uint64_t missed) {
  Json json = {{"topic", event.topic}, {"event", event.event}, {"seq", event.seq}, {"epoch", event.epoch}};
  for (const std::string_view name : kFirst) {
    if (const Value* value = event.fields.find(name)) json[std::string(name)] = to_json(*value);
  }
  for (const auto& [name, value] : event.fields.fields()) {
    if (!json.contains(name)) json[name] = to_json(value);
  }
  json["store"] = to_hex(value(event.store));
  if (missed > 0) json["missed"] = missed;
  return json;
}

Json plain_to_json(const std::vector<std::string>& frames) {
  const auto shown = [](const std::string& frame) { return is_utf8(frame) ? frame : escaped(frame); };
  Json rest = Json::array();
  for (std::size_t i = 1; i < frames.size(); ++i) rest.push_back(shown(frames[i]));
  return {{"topic", frames.empty() ? std::string() : shown(frames.front())}, {"frames", std::move(rest)}};
}

std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

std::string to_hex(std::uint64_t number) {
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; number >>= 4) text[i] = "0123456789abcdef"[number & 15];
  return text;
}

}  // namespace stint::tool
