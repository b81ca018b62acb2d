// Visits the fields of a message as the codec does, and notes name, type and default of each as PROTOCOL.md has them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/wire/fields.hpp"

namespace stint::test {

struct FieldNote {
  std::string name;
  std::string type;
  std::string fallback;  // "" for zero, false and empty
  friend bool operator==(const FieldNote&, const FieldNote&) = default;
};

class FieldLister {
 public:
  template <class Number>
  void number(std::string_view key, const Number&, Number fallback = Number{}) {
    const auto plain = static_cast<std::uint64_t>(fallback);
    note(key, "u" + std::to_string(sizeof(Number) * 8), plain == 0 ? "" : std::to_string(plain));
  }
  template <class Choice>
  void choice(std::string_view key, const Choice& value, Choice, Choice fallback = Choice{}) {
    number(key, value, fallback);
  }
  void integer(std::string_view key, std::int32_t) { note(key, "i32"); }
  void milliseconds(std::string_view key, std::chrono::milliseconds, std::uint32_t fallback) {
    number(key, fallback, fallback);
  }
  void flag(std::string_view key, bool, bool fallback = false) { note(key, "bool", fallback ? "true" : ""); }
  void fraction(std::string_view key, double) { note(key, "f64"); }
  void name(std::string_view key, const std::string&) { note(key, "name"); }
  void text(std::string_view key, const std::string&) { note(key, "text"); }
  void bytes(std::string_view key, const std::string&, std::uint64_t) { note(key, "bin"); }
  void names(std::string_view key, const std::vector<std::string>&, std::uint32_t) { note(key, "names"); }
  void runs(std::string_view key, const std::vector<Run>&) { note(key, "runs"); }
  void row(std::string_view key, const Row&) { note(key, "row"); }
  void rows(std::string_view key, const std::vector<Row>&, std::uint32_t) { note(key, "rows"); }
  void batch(const Batch&) {
    note("n", "u32");
    note("sizes", "sizes");
  }
  void indices(const Indices&, std::uint32_t) {
    note("first", "u64");
    note("indices", "u64 table");
  }
  void outcomes(const Outcomes& outcomes) {
    note("n", "u32");
    indices(outcomes.indices, 0);
    note("sizes", "sizes");
    note("err_sizes", "sizes");
    note("us", "u32 table");
    note("not_done", "records");
  }
  void fits(Index, std::uint32_t) {}

  template <class Part>
  void list(std::string_view key, const std::vector<Part>&, std::uint32_t) {
    note(key, "list");
    FieldLister inner;
    const Part part{};
    wire::Fields<Part>::visit(inner, part);
    elements = inner.fields;
  }

  std::vector<FieldNote> fields;
  std::vector<FieldNote> elements;  // of the list, if there is one

 private:
  void note(std::string_view key, std::string type, std::string fallback = "") {
    fields.push_back({std::string(key), std::move(type), std::move(fallback)});
  }
};

}  // namespace stint::test
