#include <doctest/doctest.h>

#include <set>

#include "common/model/limits.hpp"
#include "common/wire/codec.hpp"
#include "tests/wire/samples.hpp"

using namespace stint;

namespace {

Envelope there_and_back(const Envelope& envelope) {
  const Frames frames = encode(envelope);
  const Decoded decoded = decode(frames.head, frames.blob);
  if (const auto* error = std::get_if<DecodeError>(&decoded))
    FAIL("type " << int(type_of(envelope.message)) << ": " << error->text);
  return std::get<Envelope>(decoded);
}

}  // namespace

TEST_CASE("every message comes back as it was sent") {
  std::set<std::size_t> seen;
  for (const Envelope& envelope : test::sample_of_each_message()) {
    CAPTURE(int(type_of(envelope.message)));
    seen.insert(envelope.message.index());
    CHECK(there_and_back(envelope) == envelope);
  }
  CHECK(seen.size() == std::variant_size_v<Message>);
}

TEST_CASE("a message of defaults comes back, and its body is empty") {
  const Envelope envelope{SessionId{1}, 2, Heartbeat{}};
  CHECK(there_and_back(envelope) == envelope);
  CHECK(encode(envelope).head == std::string("ST\x01\x04\x01\0\0\0\x02\0\0\0\x80", 13));
}

TEST_CASE("defaults other than zero survive being left out, and zero survives being said") {
  for (const std::uint32_t attempts : {0U, 3U, 4U}) {
    Open open;
    open.options.max_attempts = attempts;
    open.options.backoff_base = std::chrono::milliseconds(attempts);
    const Envelope envelope{SessionId{1}, 1, open};
    CHECK(there_and_back(envelope) == envelope);
  }
}

TEST_CASE("an event comes back as it was published") {
  const Event event = test::sample_event();
  const auto decoded = decode_event(event.topic, encode_event(event));
  REQUIRE(std::holds_alternative<Event>(decoded));
  CHECK(std::get<Event>(decoded) == event);
}

TEST_CASE("a blob is passed on and not copied, in both directions") {
  const Submit submit{JobId{1}, 0, false, test::some_batch()};
  const Frames frames = encode({SessionId{1}, 1, submit});
  CHECK(frames.blob.owner() == submit.tasks.blob.owner());
  const Decoded decoded = decode(frames.head, frames.blob);
  CHECK(std::get<Submit>(std::get<Envelope>(decoded).message).tasks.blob.owner() == frames.blob.owner());
}

TEST_CASE("payloads of one size take no table") {
  BatchBuilder builder;
  for (int i = 0; i < 10'000; ++i) builder.add("12345678");
  const Envelope envelope{SessionId{1}, 1, Submit{JobId{1}, 0, false, builder.take()}};
  CHECK(encode(envelope).head.size() < 64);
  CHECK(there_and_back(envelope) == envelope);
}

TEST_CASE("the largest batch of failures, scattered and all of different sizes, fits into the first frame") {
  OutcomesBuilder builder;
  for (std::uint32_t i = 0; i < limits::kMaxBatchTasks; ++i) {
    builder.not_done(i * 2, Failure::failed, i % 2 == 0 ? "a" : "", i % 3 == 0 ? "b" : "", i, 1, 0);
  }
  const Envelope envelope{SessionId{1}, 1, LeaseResults{LeaseId{1}, builder.take()}};
  CHECK(encode(envelope).head.size() <= limits::kMaxHeadBytes);
  CHECK(there_and_back(envelope) == envelope);
}

TEST_CASE("free text is made into what the other side accepts; a cut falls between characters") {
  SUBCASE("bytes that are no UTF-8") {
    const Envelope back = there_and_back({SessionId{1}, 1, Bye{"a\xFFz", 0}});
    CHECK(std::get<Bye>(back.message).reason == "a\xEF\xBF\xBDz");
  }
  SUBCASE("too long") {
    std::string long_text = "x";
    while (long_text.size() <= limits::kMaxTextBytes) long_text += "\xE2\x82\xAC";
    const std::string reason = std::get<Bye>(there_and_back({SessionId{1}, 1, Bye{long_text, 0}}).message).reason;
    CHECK(reason.size() <= limits::kMaxTextBytes);
    CHECK(reason.size() > limits::kMaxTextBytes - 3);
    CHECK(reason == long_text.substr(0, reason.size()));
  }
}
