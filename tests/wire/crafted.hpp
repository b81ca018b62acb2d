// Messages made by hand, byte by byte where need be: what our own encoder would never send.
//
//   crafted(MessageType::submit, [](auto& pack) { pack.pack_map(1); ... });
#pragma once

#include <msgpack.hpp>
#include <string>
#include <string_view>

#include "common/wire/codec.hpp"

namespace stint::test {

struct Bytes {
  std::string all;
  void write(const char* bytes, std::size_t size) { all.append(bytes, size); }
};

using Packer = msgpack::packer<Bytes>;

inline std::string head_with(int type, std::string_view body, int major = kProtocolMajor) {
  std::string head = "ST";
  head += static_cast<char>(major);
  head += static_cast<char>(type);
  head += std::string_view("\x09\0\0\0\x05\0\0\0", 8);  // session 9, number 5
  head += body;
  return head;
}

inline std::string head_with(MessageType type, std::string_view body) {
  return head_with(static_cast<int>(type), body);
}

template <class Fill>
std::string crafted(MessageType type, Fill fill) {
  Bytes bytes;
  Packer pack(bytes);
  fill(pack);
  return head_with(type, bytes.all);
}

inline DecodeError refusal(std::string_view head, std::string_view blob = {}) {
  const Decoded decoded = decode(head, Blob::copy_of(blob));
  const auto* error = std::get_if<DecodeError>(&decoded);
  return error == nullptr ? DecodeError{ErrorCode{}, SessionId{}, 0, "it was accepted", 0} : *error;
}

inline bool is_accepted(std::string_view head, std::string_view blob = {}) {
  return std::holds_alternative<Envelope>(decode(head, Blob::copy_of(blob)));
}

}  // namespace stint::test
