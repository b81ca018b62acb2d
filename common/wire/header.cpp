#include "common/wire/header.hpp"

#include "common/model/limits.hpp"
#include "common/model/little_endian.hpp"

namespace stint::wire {

void write_header(std::string& head, MessageType type, SessionId session, std::uint32_t seq) {
  head.append(kMagic);
  head.push_back(static_cast<char>(kProtocolMajor));
  head.push_back(static_cast<char>(type));
  append_u32(head, value(session));
  append_u32(head, seq);
}

Header read_header(std::string_view head) {
  return {static_cast<std::uint8_t>(head[2]), static_cast<std::uint8_t>(head[3]), SessionId{load_u32(head.data() + 4)},
          load_u32(head.data() + 8)};
}

bool has_bad_header(std::string_view head, Header& header, DecodeError& error) {
  if (head.size() < kHeaderBytes || !head.starts_with(kMagic)) {
    error.text =
        "the first frame does not begin with a Stint header: \"ST\", version, type, session, number, 12 bytes in all";
    return true;
  }
  header = read_header(head);
  error.session = header.session;
  error.seq = header.seq;
  if (header.major != kProtocolMajor) {
    error.code = ErrorCode::version;
    error.expected = kProtocolMajor;
    error.text = "the message is of protocol version " + std::to_string(header.major) + ", this side speaks version " +
                 std::to_string(kProtocolMajor) + ": install the same version of Stint on both sides";
    return true;
  }
  if (head.size() > limits::kMaxHeadBytes) {
    error.code = ErrorCode::too_large;
    error.expected = limits::kMaxHeadBytes;
    error.text = "the first frame has " + std::to_string(head.size()) + " bytes, the limit is " +
                 std::to_string(limits::kMaxHeadBytes);
    return true;
  }
  return false;
}

}  // namespace stint::wire
