// PROTOCOL.md is the contract for other languages: its tables are held against the code, and its transcript is read.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "common/model/limits.hpp"
#include "common/wire/codec.hpp"
#include "tests/wire/document.hpp"
#include "tests/wire/field_lister.hpp"
#include "tests/wire/hex.hpp"

using namespace stint;
using namespace stint::test;

namespace {

const Document& protocol() {
  static const Document document(read_source_file("common/wire/PROTOCOL.md"));
  return document;
}

struct MessageNote {
  int number = 0;
  std::string name;
  FieldLister lister;
};

template <class M>
MessageNote note_of() {
  MessageNote note{static_cast<int>(wire::Fields<M>::kType), std::string(wire::Fields<M>::kName), {}};
  const M message{};
  wire::Fields<M>::visit(note.lister, message);
  return note;
}

template <class... M>
std::vector<MessageNote> notes_of(const std::variant<M...>*) {
  return {note_of<M>()..., note_of<Event>()};
}

std::vector<MessageNote> all_messages() {
  auto notes = notes_of(static_cast<const Message*>(nullptr));
  std::sort(notes.begin(), notes.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return notes;
}

void check_fields(const std::vector<FieldNote>& fields, const std::vector<Cells>& rows) {
  REQUIRE(rows.size() == fields.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    CHECK(FieldNote{rows[i].at(0), rows[i].at(1), rows[i].at(2)} == fields[i]);
}

// One message of the transcript: the line that people read, and its frames.
struct Spoken {
  std::string line;
  std::string head;
  std::string blob;
};

std::vector<Spoken> transcript() {
  std::vector<Spoken> all;
  std::string* frame = nullptr;
  for (const std::string& line : protocol().section("## 13. A transcript").lines()) {
    if (line.size() < 5 || !line.starts_with("    ")) continue;
    const std::string text = line.substr(4);
    if (text.find("->") == 1) {
      all.push_back({text, "", ""});
    } else {
      if (text.starts_with("head ")) frame = &all.back().head;
      if (text.starts_with("blob ")) frame = &all.back().blob;
      REQUIRE(frame != nullptr);
      *frame += from_hex(text.substr(5));
    }
  }
  return all;
}

}  // namespace

TEST_CASE("the table of messages is the enumeration") {
  const auto rows = protocol().section("## 4. Messages").table("no");
  const auto messages = all_messages();
  REQUIRE(rows.size() == messages.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].at(0) == std::to_string(messages[i].number));
    CHECK(rows[i].at(1) == messages[i].name);
  }
}

TEST_CASE("every message has its section, with the fields that the codec reads and writes, in their order") {
  for (const MessageNote& message : all_messages()) {
    CAPTURE(message.name);
    const Document section = protocol().section("### " + message.name);
    check_fields(message.lister.fields, section.table("field"));
    if (!message.lister.elements.empty()) check_fields(message.lister.elements, section.table("field", 1));
  }
}

TEST_CASE("every message stands in the table of who may send what, or is the broker's own") {
  std::string senders;
  for (const Cells& row : protocol().section("### What may be sent when").table("message")) senders += row.at(0) + ", ";
  for (const Cells& row : protocol().section("## 4. Messages").table("no")) {
    if (row.at(2).find_first_of("PCW") != std::string::npos) CHECK(senders.find(row.at(1) + ",") != std::string::npos);
  }
}

TEST_CASE("the table of errors is the table of errors") {
  const auto rows = protocol().section("## 11. Errors").table("code");
  for (const Cells& row : rows) {
    const ErrorInfo& entry = info(static_cast<ErrorCode>(std::stoi(row.at(0))));
    CHECK(row.at(1) == entry.name);
    CHECK(row.at(2) == (entry.retryable ? "yes" : "no"));
    CHECK(row.at(3) == entry.sentence);
  }
  CHECK(info(static_cast<ErrorCode>(rows.size())).name != "unknown");
  CHECK(info(static_cast<ErrorCode>(rows.size() + 1)).name == "unknown");
}

TEST_CASE("the table of failures is the enumeration") {
  const auto rows = protocol().section("## 8. Working").table("code");
  CHECK(rows.size() == static_cast<std::size_t>(Failure::cancelled));
  for (const Cells& row : rows) CHECK(row.at(1) == to_string(static_cast<Failure>(std::stoi(row.at(0)))));
}

TEST_CASE("the limits are those of the code") {
  const std::map<std::string, std::uint64_t> limits{
      {"kMaxPayloadBytes", limits::kMaxPayloadBytes},
      {"kBatchBytes", limits::kBatchBytes},
      {"kMaxFrameBytes", limits::kMaxFrameBytes},
      {"kMaxHeadBytes", limits::kMaxHeadBytes},
      {"kMaxBatchTasks", limits::kMaxBatchTasks},
      {"kMaxBodyElements", limits::kMaxBodyElements},
      {"kMaxBodyFields", limits::kMaxBodyFields},
      {"kMaxBodyDepth", limits::kMaxBodyDepth},
      {"kMaxContextBytes", limits::kMaxContextBytes},
      {"kMaxNameBytes", limits::kMaxNameBytes},
      {"kMaxTextBytes", limits::kMaxTextBytes},
      {"kMaxTopicBytes", limits::kMaxTopicBytes},
      {"kMaxKinds", limits::kMaxKinds},
      {"kMaxSlots", limits::kMaxSlots},
      {"kMaxHeldLeases", limits::kMaxHeldLeases},
      {"kMaxRowsPerAnswer", limits::kMaxRowsPerAnswer},
      {"kStoredAnswers", limits::kStoredAnswers},
      {"kTolerated", limits::kTolerated},
  };
  const auto rows = protocol().section("## 12. Limits").table("limit");
  CHECK(rows.size() == limits.size());
  for (const Cells& row : rows) {
    CAPTURE(row.at(0));
    REQUIRE(limits.contains(row.at(0)));
    CHECK(row.at(1) == std::to_string(limits.at(row.at(0))));
  }
}

TEST_CASE("the transcript is what the codec speaks, both ways") {
  const auto spoken = transcript();
  CHECK(spoken.size() > 20);
  for (const Spoken& message : spoken) {
    CAPTURE(message.line);
    const Decoded decoded = decode(message.head, Blob::copy_of(message.blob));
    if (const auto* error = std::get_if<DecodeError>(&decoded)) FAIL(error->text);
    const auto& envelope = std::get<Envelope>(decoded);
    const Frames again = encode(envelope);
    CHECK(to_hex(again.head) == to_hex(message.head));
    CHECK(again.blob.view() == message.blob);
    const int number = static_cast<int>(type_of(envelope.message));
    const auto messages = all_messages();
    const auto note =
        std::find_if(messages.begin(), messages.end(), [&](const auto& each) { return each.number == number; });
    CHECK(message.line.substr(5, note->name.size() + 1) == note->name + " ");
  }
}
