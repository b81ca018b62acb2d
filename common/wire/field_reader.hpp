// Reads the fields of one message from a msgpack map, in whatever order they stand; unknown ones are ignored. See
// fields.hpp.
//
//   DecodeError error;
//   FieldReader field(body, blob, error);
//   Fields<M>::visit(field, message);
//   if (!field.good()) return error;
//
// What it hands out is safe to use: sizes add up to the blob, counts agree, runs do not overflow, text is UTF-8 and
// within its limit. After the first flaw it reads no further. The map is looked through once before; nothing is
// allocated for that.
#pragma once

#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/model/limits.hpp"
#include "common/model/messages.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/msgpack_reader.hpp"

namespace stint::wire {

template <class M>
struct Fields;

class FieldReader {
 public:
  // A body that is one map and nothing behind it.
  FieldReader(std::string_view body, Blob blob, DecodeError& error);
  // A map within a body; `at` steps behind it.
  FieldReader(MsgpackReader& at, DecodeError& error, std::uint32_t depth);

  bool good() const { return error_.text.empty(); }
  void finish();  // a blob that no field has asked for is a flaw

  template <class Number>
  void number(std::string_view key, Number& value, Number fallback = Number{}) {
    value = fallback;
    MsgpackReader* at = find(key);
    if (at == nullptr) return;
    const std::uint64_t limit = max_of<Number>();
    std::uint64_t read = 0;
    if (!at->unsigned_integer(read) || read > limit)
      return expects(key, "a whole number from 0 to " + std::to_string(limit), limit);
    value = static_cast<Number>(read);
  }

  template <class Choice>
  void choice(std::string_view key, Choice& value, Choice last, Choice fallback = Choice{}) {
    number(key, value, fallback);
    if (value > last || value < fallback) {
      const auto limit = static_cast<std::uint64_t>(last);
      refuse(ErrorCode::bad_value, key, "the values known here end with " + std::to_string(limit), limit);
    }
  }

  void integer(std::string_view key, std::int32_t& value);
  void milliseconds(std::string_view key, std::chrono::milliseconds& value, std::uint32_t fallback);
  void flag(std::string_view key, bool& value, bool fallback = false);
  void fraction(std::string_view key, double& value);
  void name(std::string_view key, std::string& value);
  void text(std::string_view key, std::string& value);
  void bytes(std::string_view key, std::string& value, std::uint64_t limit);
  void names(std::string_view key, std::vector<std::string>& values, std::uint32_t limit);
  void runs(std::string_view key, std::vector<Run>& runs);
  void row(std::string_view key, Row& row);
  void rows(std::string_view key, std::vector<Row>& rows, std::uint32_t limit);
  void batch(Batch& batch);
  void indices(Indices& indices, std::uint32_t count);
  void outcomes(Outcomes& outcomes);
  void fits(Index first, std::uint32_t count);  // that first + count is a number

  template <class Part>
  void list(std::string_view key, std::vector<Part>& parts, std::uint32_t limit) {
    MsgpackReader* at = find(key);
    std::uint32_t count = 0;
    if (at == nullptr || !array(key, *at, count, limit)) return;
    for (std::uint32_t i = 0; i < count && good(); ++i) {
      FieldReader inner(*at, error_, limits::kMaxBodyDepth - 2);
      Fields<Part>::visit(inner, parts.emplace_back());
    }
  }

 private:
  struct Entry {
    std::string_view key;
    MsgpackReader value{std::string_view()};
  };

  template <class Number>
  static constexpr std::uint64_t max_of() {
    if constexpr (std::is_enum_v<Number>) {
      return std::numeric_limits<std::underlying_type_t<Number>>::max();
    } else {
      return std::numeric_limits<Number>::max();
    }
  }

  void look_through(MsgpackReader& at, std::uint32_t depth);
  bool is_doubled(std::string_view key) const;
  MsgpackReader* find(std::string_view key);

  void refuse(ErrorCode code, std::string_view key, std::string what, std::uint64_t expected = 0);
  void expects(std::string_view key, std::string what, std::uint64_t expected = 0);
  bool array(std::string_view key, MsgpackReader& at, std::uint32_t& count, std::uint32_t limit);
  bool utf8(std::string_view key, MsgpackReader& at, std::string_view& value, std::uint32_t limit);
  bool table(std::string_view key, std::size_t width, std::uint32_t count, std::string_view& bytes);

  void sizes(std::string_view key, std::uint32_t count, Sizes& sizes);
  std::uint32_t tasks();
  void not_done(std::vector<NotDone>& failures, std::uint32_t count);
  Blob take_blob(std::uint64_t size);
  bool value(std::string_view key, MsgpackReader& at, Value& value);
  void read_row(std::string_view key, MsgpackReader& at, Row& row, std::uint32_t depth);

  DecodeError& error_;
  Blob blob_;
  std::uint32_t count_ = 0;
  std::uint32_t next_ = 0;  // where the field that follows the last one found probably is
  std::array<Entry, limits::kMaxBodyFields> entries_;
};

}  // namespace stint::wire
