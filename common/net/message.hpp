// Blobs and ZeroMQ messages, each made from the other without copying large payloads.
//
//   Blob blob = to_blob(std::move(message));             // keeps the message alive while a slice of it is held
//   socket.send(to_message(blob.slice(0, 100'000)), zmq::send_flags::dontwait);
//
// Below kCopyBytes copying is cheaper than sharing; and a small received message may lie in libzmq's 8 KiB receive
// buffer, which it would pin for as long as it is kept. Larger ones have memory of their own. What is shared is let go
// of by whichever thread is last, often libzmq's own.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <zmq.hpp>

#include "common/wire/codec.hpp"

namespace stint {

constexpr std::size_t kCopyBytes = 8192;

Blob to_blob(zmq::message_t&& message);
zmq::message_t to_message(const Blob& blob);
zmq::message_t to_message(std::string_view bytes);

// One message as it came in: its first two frames, and how many there were.
struct Incoming {
  zmq::message_t head;
  zmq::message_t blob;
  std::size_t frames = 0;

  // What it says. One frame or two are legal; other numbers are malformed. Takes the blob with it.
  Decoded decode() &&;
};

// Reads the frames of one message, or the rest of one whose first frame was read; nothing if there is none. Never
// waits.
std::optional<Incoming> receive_message(zmq::socket_ref socket);

// Sends all frames of a message, or none if the socket does not take the first: false then (EAGAIN). Never waits. The
// frames follow `address` where there is one. Throws zmq::error_t for anything but EAGAIN, EHOSTUNREACH of a ROUTER
// among it.
bool send_message(zmq::socket_ref socket, const Frames& frames, std::string_view address = {});

}  // namespace stint
