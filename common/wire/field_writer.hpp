// Writes the fields of one message as a msgpack map, leaving out those that have their default. See fields.hpp.
//
//   FieldWriter field(head);
//   Fields<M>::visit(field, message);
//   field.finish();
//   send(head, field.blob());
#pragma once

#include <algorithm>
#include <chrono>
#include <msgpack/pack.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/model/limits.hpp"
#include "common/model/messages.hpp"
#include "common/model/utf8.hpp"

namespace stint::wire {

template <class M>
struct Fields;

// Free text that arose anywhere, such as what an exception said: made into what the other side accepts.
inline std::string clean_text(std::string_view text) { return clean_utf8(text, limits::kMaxTextBytes); }

class FieldWriter {
 public:
  explicit FieldWriter(std::string& out) : out_(out), sink_{out}, pack_(sink_), map_at_(out.size()) {
    out_.push_back('\x80');
  }

  void finish();
  const Blob& blob() const { return blob_; }

  template <class Number>
  void number(std::string_view key, Number value, Number fallback = Number{}) {
    if (value == fallback) return;
    write_key(key);
    pack_.pack_uint64(static_cast<std::uint64_t>(value));
  }

  template <class Choice>
  void choice(std::string_view key, Choice value, Choice, Choice fallback = Choice{}) {
    number(key, value, fallback);
  }

  void integer(std::string_view key, std::int32_t value);
  void milliseconds(std::string_view key, std::chrono::milliseconds value, std::uint32_t fallback);
  void flag(std::string_view key, bool value, bool fallback = false);
  void fraction(std::string_view key, double value);
  void name(std::string_view key, const std::string& value);
  void text(std::string_view key, const std::string& value);
  void bytes(std::string_view key, std::string_view value, std::uint64_t limit = 0);
  void names(std::string_view key, const std::vector<std::string>& values, std::uint32_t limit);
  void runs(std::string_view key, const std::vector<Run>& runs);
  void row(std::string_view key, const Row& row);
  void rows(std::string_view key, const std::vector<Row>& rows, std::uint32_t limit);
  void batch(const Batch& batch);
  void indices(const Indices& indices, std::uint32_t count);
  void outcomes(const Outcomes& outcomes);
  void fits(Index, std::uint32_t) {}  // for the reader to ask

  template <class Part>
  void list(std::string_view key, const std::vector<Part>& parts, std::uint32_t) {
    if (parts.empty()) return;
    write_key(key);
    pack_.pack_array(static_cast<std::uint32_t>(parts.size()));
    for (const Part& part : parts) {
      FieldWriter inner(out_);
      Fields<Part>::visit(inner, part);
      inner.finish();
    }
  }

 private:
  struct Sink {
    std::string& out;
    void write(const char* bytes, std::size_t size) { out.append(bytes, size); }
  };

  void write_key(std::string_view key) { ++count_, write_text(key); }
  void write_text(std::string_view text);
  void write_value(const Value& value);
  void write_row(const Row& row);
  void sizes(std::string_view key, const Sizes& sizes);

  std::string& out_;
  Sink sink_;
  msgpack::packer<Sink> pack_;
  std::size_t map_at_;
  std::uint32_t count_ = 0;
  Blob blob_;
};

}  // namespace stint::wire
