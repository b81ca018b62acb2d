#include "common/net/message.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>

namespace stint {
namespace {

// Owns its bytes and says when it is let go of.
class Watched final : public Blob::Owner {
 public:
  Watched(std::string bytes, bool& gone) : bytes_(std::move(bytes)), gone_(gone) {}
  ~Watched() override { gone_ = true; }
  std::string_view bytes() const override { return bytes_; }

 private:
  std::string bytes_;
  bool& gone_;
};

const char* address_of(const Blob& blob) { return blob.view().data(); }

TEST_CASE("a large received message becomes a blob without being copied") {
  zmq::message_t message(std::string(kCopyBytes, 'x'));
  const void* before = message.data();
  const Blob blob = to_blob(std::move(message));
  CHECK(address_of(blob) == before);
  CHECK(blob.size() == kCopyBytes);
}

TEST_CASE("a small received message is copied, so that it pins no receive buffer") {
  zmq::message_t message(std::string(kCopyBytes - 1, 'x'));
  const void* before = message.data();
  CHECK(address_of(to_blob(std::move(message))) != before);
  CHECK(to_blob(zmq::message_t()).empty());
}

TEST_CASE("a large slice is sent without being copied, and keeps its owner until the message is gone") {
  bool gone = false;
  Blob blob(std::make_unique<Watched>(std::string(100'000, 'y'), gone));
  const Blob slice = blob.slice(10, 50'000);
  {
    zmq::message_t message = to_message(slice);
    CHECK(message.data() == address_of(slice));
    CHECK(message.size() == 50'000);
    blob = Blob();
    const_cast<Blob&>(slice) = Blob();
    CHECK_FALSE(gone);
  }
  CHECK(gone);
}

TEST_CASE("a small blob is copied into its message") {
  const Blob blob = Blob::copy_of("abc");
  const zmq::message_t message = to_message(blob);
  CHECK(message.to_string() == "abc");
  CHECK(message.data() != address_of(blob));
}

struct Pair {
  zmq::context_t context;
  zmq::socket_t left{context, zmq::socket_type::pair};
  zmq::socket_t right{context, zmq::socket_type::pair};
  Pair() {
    left.bind("inproc://pair");
    right.connect("inproc://pair");
  }
};

TEST_CASE("a message comes out as it went in") {
  Pair pair;
  const std::string large(20'000, 'z');
  REQUIRE(send_message(pair.left, {"head", Blob::copy_of(large)}));
  std::optional<Incoming> incoming = receive_message(pair.right);
  REQUIRE(incoming);
  CHECK(incoming->frames == 2);
  CHECK(incoming->head.to_string() == "head");
  CHECK(incoming->blob.to_string() == large);
}

TEST_CASE("a message without payloads is one frame, and an empty socket gives nothing") {
  Pair pair;
  CHECK_FALSE(receive_message(pair.right));
  REQUIRE(send_message(pair.left, {"head", Blob()}));
  CHECK(receive_message(pair.right)->frames == 1);
  CHECK_FALSE(receive_message(pair.right));
}

TEST_CASE("too many frames are read to their end and are malformed") {
  Pair pair;
  for (int i = 0; i < 9'999; ++i) pair.left.send(zmq::message_t(), zmq::send_flags::sndmore);
  pair.left.send(zmq::message_t(), zmq::send_flags::none);
  std::optional<Incoming> incoming = receive_message(pair.right);
  REQUIRE(incoming);
  CHECK(incoming->frames == 10'000);
  const Decoded decoded = std::move(*incoming).decode();
  REQUIRE(std::holds_alternative<DecodeError>(decoded));
  CHECK(std::get<DecodeError>(decoded).text.find("10000") != std::string::npos);
  CHECK_FALSE(receive_message(pair.right));
}

TEST_CASE("a blob whose message left through another thread is let go of there") {
  bool gone = false;
  std::thread([&gone] {
    zmq::message_t message = to_message(Blob(std::make_unique<Watched>(std::string(10'000, 'q'), gone)));
  }).join();
  CHECK(gone);
}

}  // namespace
}  // namespace stint
