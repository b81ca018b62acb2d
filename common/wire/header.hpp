// The twelve bytes in front of every message: "ST", major version, type, session, number; little-endian. This layout is
// the same in every version of the protocol, so that a peer of another version can be told so in words that it
// understands.
//
//   write_header(head, MessageType::submit, session, seq);
//   Header header = read_header(head);       // Requires: head.size() >= kHeaderBytes
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/wire/codec.hpp"

namespace stint::wire {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::string_view kMagic = "ST";

struct Header {
  std::uint8_t major = 0;
  std::uint8_t type = 0;
  SessionId session{};
  std::uint32_t seq = 0;
};

void write_header(std::string& head, MessageType type, SessionId session, std::uint32_t seq);
Header read_header(std::string_view head);

// What is wrong with the header of `head`, if anything; on success `header` holds it.
bool has_bad_header(std::string_view head, Header& header, DecodeError& error);

}  // namespace stint::wire
