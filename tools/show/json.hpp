// Rows and events as JSON, one object a line, the names in the order in which people read them.
//
//   write(json_line(to_json(row)));        // {"job":7,"name":"render", ... }
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/model/messages.hpp"

namespace stint::tool {

using Json = nlohmann::ordered_json;

Json to_json(const Value& value);
Json to_json(const Row& row);

// topic, event, seq, epoch, job, name, kind, total, queued, delayed, running, done, failed, cancelled, left; then what
// the event adds, the store it comes from, and how many events before it were missed, if any.
Json to_json(const Event& event, std::uint64_t missed);

// A message of another PUB socket. A frame that is not UTF-8 is shown with escapes.
Json plain_to_json(const std::vector<std::string>& frames);

// Never throws: bytes that are no UTF-8 become U+FFFD.
std::string json_line(const Json& json);

std::string to_hex(std::uint64_t number);

}  // namespace stint::tool
