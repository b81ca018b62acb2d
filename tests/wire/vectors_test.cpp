// tests/conformance/vectors.json: messages as fields and as bytes, for any language to check its codec with. Here ours
// is held against it.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "common/wire/codec.hpp"
#include "tests/wire/document.hpp"
#include "tests/wire/hex.hpp"
#include "tests/wire/samples.hpp"

using namespace stint;
using namespace stint::test;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t kHeaderBytes = 12;

Json vectors() { return Json::parse(read_source_file("tests/conformance/vectors.json")); }

// JSON has no byte strings: they are written as {"bin": "<hex>"}.
Json readable(const Json& value) {
  if (value.is_binary()) {
    const auto& bytes = value.get_binary();
    return {{"bin", to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()})}};
  }
  if (!value.is_structured()) return value;
  Json copy = value.is_array() ? Json::array() : Json::object();
  for (const auto& [key, element] : value.items()) {
    if (value.is_array()) {
      copy.push_back(readable(element));
    } else {
      copy[key] = readable(element);
    }
  }
  return copy;
}

Json fields_of(const std::string& head) { return readable(Json::from_msgpack(head.substr(kHeaderBytes))); }

Json vector_of(const std::string& head, std::string_view blob) {
  return {{"number", static_cast<unsigned char>(head[3])},
          {"fields", fields_of(head)},
          {"head", to_hex(head)},
          {"blob", to_hex(blob)}};
}

}  // namespace

TEST_CASE("each vector is decoded, says what it says it says, and is encoded to the same bytes") {
  for (const Json& vector : vectors()) {
    CAPTURE(vector.dump());
    const std::string head = from_hex(vector.at("head").get<std::string>());
    CHECK(fields_of(head) == vector.at("fields"));
    if (vector.at("number") == static_cast<int>(MessageType::event)) {
      const auto decoded = decode_event(vector.at("topic").get<std::string>(), head);
      REQUIRE(std::holds_alternative<Event>(decoded));
      CHECK(encode_event(std::get<Event>(decoded)) == head);
      continue;
    }
    const Decoded decoded = decode(head, Blob::copy_of(from_hex(vector.at("blob").get<std::string>())));
    REQUIRE(std::holds_alternative<Envelope>(decoded));
    const Frames again = encode(std::get<Envelope>(decoded));
    CHECK(to_hex(again.head) == vector.at("head").get<std::string>());
    CHECK(to_hex(again.blob.view()) == vector.at("blob").get<std::string>());
  }
}

TEST_CASE("there is a vector of every message, with every field") {
  std::map<int, Json> by_number;
  for (Json vector : vectors()) {
    vector.erase("name");
    by_number[vector.at("number").get<int>()] = vector;
  }
  for (const Envelope& envelope : sample_of_each_message()) {
    const Frames frames = encode(envelope);
    const Json wanted = vector_of(frames.head, frames.blob.view());
    const Json found = by_number[wanted.at("number").get<int>()];
    if (found != wanted) FAIL_CHECK("vectors.json lacks this one: " << wanted.dump());
  }
  const Event event = sample_event();
  Json wanted = vector_of(encode_event(event), "");
  wanted["topic"] = event.topic;
  if (by_number[40] != wanted) FAIL_CHECK("vectors.json lacks this one: " << wanted.dump());
}
