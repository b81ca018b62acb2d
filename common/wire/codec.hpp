// Messages to frames and back. Two frames: a 12-byte header with a msgpack map right behind it, and, where there are
// payloads, a second frame with all of them back to back. PROTOCOL.md beside this file is the contract.
//
//   Frames frames = encode(Envelope{session, seq, message});
//   Decoded decoded = decode(frames.head, frames.blob);
//   if (auto* envelope = std::get_if<Envelope>(&decoded)) core.step(now, *envelope, out);
//
// decode() never throws and never allocates more than a small multiple of what it was given: what a stranger sends is
// data. Both are pure and may be called from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "common/model/messages.hpp"

namespace stint {

enum class MessageType : std::uint8_t {
  hello = 1,
  welcome = 2,
  hello_again = 3,
  heartbeat = 4,
  bye = 5,
  error = 6,
  open = 10,
  opened = 11,
  submit = 12,
  accepted = 13,
  close = 14,
  attach = 15,
  detach = 16,
  job_results = 17,
  ack = 18,
  job = 19,
  job_info = 20,
  tasks = 21,
  results_ack = 22,
  recall = 23,
  release = 24,
  drain = 25,
  progress = 26,
  state = 27,
  results = 28,
  command = 30,
  done = 31,
  query = 32,
  answer = 33,
  event = 40,
};

struct Frames {
  std::string head;
  Blob blob;  // empty: there is no second frame
};

// Why bytes are no message of ours; the session and number are those of its header when that could be read, else 0.
struct DecodeError {
  ErrorCode code = ErrorCode::malformed;
  SessionId session{};
  std::uint32_t seq = 0;
  std::string text;
  std::uint64_t expected = 0;
  RequestId req{};  // which request, and which job, it was about, when that came before the flaw; else 0
  JobId job{};
};

using Decoded = std::variant<Envelope, DecodeError>;

MessageType type_of(const Message& message);

Frames encode(const Envelope& envelope);
Decoded decode(std::string_view head, Blob blob);

// An event travels as two frames: its topic (what ZeroMQ matches subscriptions with), then header and body.
std::string encode_event(const Event& event);
std::variant<Event, DecodeError> decode_event(std::string_view topic, std::string_view head);

}  // namespace stint
