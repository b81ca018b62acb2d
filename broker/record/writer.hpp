// Values to bytes, compactly: numbers take as many bytes as they need, and of a payload only its size and its checksum are written.
//
//   Writer writer;
//   writer.put(input);             // any value of the core's, or a struct of such
//   file.append(writer.bytes());
//
// What a reader of it needs to know stands here in one place: see put(). Times are written as the distance from the time before.
//
// A payload's checksum is the Digest over it alone. It is what the core itself derives from payloads, so that a replay can be fed other
// bytes of the same size and checksum, and finds the same digests in what comes out.
#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "broker/core/changes.hpp"
#include "broker/record/fields.hpp"
#include "common/model/digest.hpp"
#include "common/model/messages.hpp"
#include "common/model/time.hpp"

namespace stint::broker::record {

class Writer {
 public:
  const std::string& bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }  // the time before stays

  template <class T>
  void put(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      put(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_same_v<T, bool> || std::is_unsigned_v<T>) {
      put_number(value);
    } else if constexpr (std::is_integral_v<T>) {
      put_signed(value);
    } else if constexpr (std::is_same_v<T, double>) {
      put_fixed(std::bit_cast<std::uint64_t>(value));
    } else {
      put_whole(value);
    }
  }

  void put_byte(std::uint8_t byte) { bytes_ += static_cast<char>(byte); }
  void put_raw(std::string_view bytes) { bytes_ += bytes; }
  void put_fixed(std::uint32_t number);  // four bytes
  void put_fixed(std::uint64_t number);  // eight bytes

 private:
  void put_number(std::uint64_t number);
  void put_signed(std::int64_t number);
  void put_text(std::string_view text);
  void put_checksum(std::string_view payload);  // nothing for an empty one

  void put_whole(const std::string& text) { put_text(text); }
  void put_whole(const Blob& payload);
  void put_whole(const Digest& digest) { put_fixed(digest.value()); }
  void put_whole(const Sizes& sizes);
  void put_whole(const Batch& batch);
  void put_whole(const Indices& indices);
  void put_whole(const Outcomes& outcomes);
  void put_whole(const Envelope& envelope);
  void put_whole(const FoundJob& found);
  void put_whole(const Error& error) { put_whole(Envelope{SessionId{}, 0, error}); }
  void put_whole(TimePoint time);
  template <class Rep, class Period>
  void put_whole(const std::chrono::duration<Rep, Period>& duration) {
    put(duration.count());
  }

  template <class A, class B>
  void put_whole(const std::pair<A, B>& pair) {
    put(pair.first);
    put(pair.second);
  }
  template <class T>
  void put_whole(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class... T>
  void put_whole(const std::variant<T...>& value) {
    put_number(value.index());
    std::visit([this](const auto& each) { put(each); }, value);
  }
  template <class T>
  void put_whole(const std::vector<T>& values) {
    put_number(values.size());
    for (const T& value : values) put(value);
  }
  template <class T>
    requires std::is_aggregate_v<T>
  void put_whole(const T& value) {
    for_each_field(value, [this](const auto& field) { put(field); });
  }

  std::string bytes_;
  TimePoint time_{};
};

}  // namespace stint::broker::record
