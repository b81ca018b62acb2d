// Bytes of a recording to values: what broker/record/writer.hpp wrote. Payloads are forged from their sizes and checksums.
//
//   Reader reader(body);
//   const auto tick = reader.get<broker::input::Tick>();
//   if (!reader.done()) ...
//
// Throws RefusedRecording where the bytes are no such value.
#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
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

namespace stint::replay {

class RefusedRecording : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Reader {
 public:
  explicit Reader(TimePoint time = {}) : time_(time) {}  // the last time before these bytes
  Reader(std::string_view bytes, TimePoint time = {}) : bytes_(bytes), time_(time) {}

  bool done() const { return bytes_.empty(); }
  TimePoint time() const { return time_; }

  template <class T>
  T get() {
    T value{};
    read(value);
    return value;
  }
  std::uint8_t get_byte() { return static_cast<std::uint8_t>(take(1).front()); }
  std::uint32_t get_fixed32();
  std::uint64_t get_fixed64();

 private:
  std::string_view take(std::uint64_t count);
  std::uint64_t get_number();
  std::uint32_t get_count();  // of things that take a byte each at least
  std::string get_payload(std::uint64_t size);
  void fill(Batch& batch);
  void fill(Outcomes& outcomes);

  template <class T>
  void read(T& value) {
    if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(get<std::underlying_type_t<T>>());
    } else if constexpr (std::is_same_v<T, bool> || std::is_unsigned_v<T>) {
      value = static_cast<T>(get_number());
    } else if constexpr (std::is_integral_v<T>) {
      const std::uint64_t number = get_number();
      value = static_cast<T>(number >> 1 ^ (~(number & 1) + 1));
    } else if constexpr (std::is_same_v<T, double>) {
      value = std::bit_cast<double>(get_fixed64());
    } else {
      read_whole(value);
    }
  }

  void read_whole(std::string& text) { text = take(get_number()); }
  void read_whole(Blob& payload) { payload = Blob::own(get_payload(get_number())); }
  void read_whole(Digest& digest) { digest = Digest(get_fixed32()); }
  void read_whole(Sizes& sizes);
  void read_whole(Batch& batch);
  void read_whole(Indices& indices);
  void read_whole(Outcomes& outcomes);
  void read_whole(Envelope& envelope);
  void read_whole(Error& error);
  void read_whole(broker::FoundJob& found);
  void read_whole(TimePoint& time) { time = time_ += Duration(get<Duration::rep>()); }
  template <class Rep, class Period>
  void read_whole(std::chrono::duration<Rep, Period>& duration) {
    duration = std::chrono::duration<Rep, Period>(get<Rep>());
  }

  template <class A, class B>
  void read_whole(std::pair<A, B>& pair) {
    read(pair.first);
    read(pair.second);
  }
  template <class T>
  void read_whole(std::optional<T>& value) {
    if (get<bool>()) read(value.emplace());
  }
  template <class... T>
  void read_whole(std::variant<T...>& value) {
    const std::uint64_t index = get_number();
    const bool known = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return ((index == I && (read(value.template emplace<I>()), true)) || ...);
    }(std::index_sequence_for<T...>());
    if (!known) throw RefusedRecording("it names an alternative that is not known here");
  }
  template <class T>
  void read_whole(std::vector<T>& values) {
    const std::uint32_t count = get_count();
    values.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) values.push_back(get<T>());
  }
  template <class T>
    requires std::is_aggregate_v<T>
  void read_whole(T& value) {
    broker::record::for_each_field(value, [this](auto& field) { read(field); });
  }

  std::string_view bytes_;
  TimePoint time_{};
};

}  // namespace stint::replay
