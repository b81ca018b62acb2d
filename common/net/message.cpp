#include "common/net/message.hpp"

#include <memory>
#include <utility>

#include "common/net/uninterrupted.hpp"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace stint {
namespace {

// A message that crosses an inproc socket is the same memory in both threads. libzmq orders their accesses, but is not
// instrumented: ThreadSanitizer has to be told that a message is handed over as a whole.
#ifdef __SANITIZE_THREAD__
void hand_over(zmq::message_t& message) { __tsan_release(message.data()); }
void take_over(zmq::message_t& message) { __tsan_acquire(message.data()); }
#else
void hand_over(zmq::message_t&) {}
void take_over(zmq::message_t&) {}
#endif

bool receive_frame(zmq::socket_ref socket, zmq::message_t& frame) {
  if (!uninterrupted([&] { return socket.recv(frame, zmq::recv_flags::dontwait); })) return false;
  take_over(frame);
  return true;
}

bool send_frame(zmq::socket_ref socket, zmq::message_t message, bool more) {
  hand_over(message);
  const auto flags = more ? zmq::send_flags::dontwait | zmq::send_flags::sndmore : zmq::send_flags::dontwait;
  return uninterrupted([&] { return socket.send(message, flags); }).has_value();
}

class MessageOwner final : public Blob::Owner {
 public:
  explicit MessageOwner(zmq::message_t&& message) : message_(std::move(message)) {}
  std::string_view bytes() const override { return message_.to_string_view(); }

 private:
  zmq::message_t message_;
};

void let_go(void*, void* blob) { delete static_cast<Blob*>(blob); }

DecodeError wrong_number_of_frames(std::size_t frames) {
  DecodeError error;
  error.text = "a message has one frame or two, this one had " + std::to_string(frames);
  error.expected = 2;
  return error;
}

}  // namespace

Blob to_blob(zmq::message_t&& message) {
  if (message.size() < kCopyBytes) return Blob::copy_of(message.to_string_view());
  return Blob(std::make_unique<MessageOwner>(std::move(message)));
}

// libzmq could share a received message by zmq_msg_copy(), but that writes into its source, which another thread may
// hold.
zmq::message_t to_message(const Blob& blob) {
  const std::string_view bytes = blob.view();
  if (bytes.size() < kCopyBytes) return to_message(bytes);
  auto kept = std::make_unique<Blob>(blob);
  zmq::message_t message(const_cast<char*>(bytes.data()), bytes.size(), let_go, kept.get());
  static_cast<void>(kept.release());
  return message;
}

zmq::message_t to_message(std::string_view bytes) { return zmq::message_t(bytes.data(), bytes.size()); }

Decoded Incoming::decode() && {
  if (frames < 1 || frames > 2) return wrong_number_of_frames(frames);
  return stint::decode(head.to_string_view(), to_blob(std::move(blob)));
}

std::optional<Incoming> receive_message(zmq::socket_ref socket) {
  Incoming incoming;
  if (!receive_frame(socket, incoming.head)) return std::nullopt;
  incoming.frames = 1;
  bool more = incoming.head.more();
  zmq::message_t unwanted;
  while (more) {
    zmq::message_t& frame = ++incoming.frames == 2 ? incoming.blob : unwanted;
    if (!receive_frame(socket, frame)) break;
    more = frame.more();
  }
  return incoming;
}

bool send_message(zmq::socket_ref socket, const Frames& frames, std::string_view address) {
  if (!address.empty() && !send_frame(socket, to_message(address), true)) return false;
  if (!send_frame(socket, to_message(frames.head), !frames.blob.empty())) return false;
  if (!frames.blob.empty()) send_frame(socket, to_message(frames.blob), false);
  return true;
}

}  // namespace stint
