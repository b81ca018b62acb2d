// Every message damaged in every way that comes to mind: what is decoded must be safe to use, and the rest is an error.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include <msgpack.hpp>

#include "common/model/batch.hpp"
#include "common/wire/codec.hpp"
#include "tests/wire/allocations.hpp"
#include "tests/wire/samples.hpp"

using namespace stint;
using namespace stint::test;

namespace {

// Touches every byte that the values point to, as a core would.
void walk(const Batch& batch) {
  std::uint64_t bytes = 0;
  for (BatchCursor at(batch); !at.done(); at.next()) bytes += at.view().size();
  CHECK(bytes == batch.blob.size());
}

void walk(const Outcomes& outcomes) {
  std::uint64_t bytes = 0;
  std::size_t failures = 0;
  for (OutcomeCursor at(outcomes); !at.done(); at.next()) {
    bytes += at.result().size() + at.error().size();
    failures += at.not_done() != nullptr ? 1 : 0;
  }
  CHECK(bytes == outcomes.blob.size());
  CHECK(failures == outcomes.not_done.size());
}

void use(const Decoded& decoded) {
  const auto* envelope = std::get_if<Envelope>(&decoded);
  if (envelope == nullptr) {
    CHECK_FALSE(std::get<DecodeError>(decoded).text.empty());
    return;
  }
  if (const auto* m = std::get_if<Submit>(&envelope->message)) walk(m->tasks);
  if (const auto* m = std::get_if<Tasks>(&envelope->message)) walk(m->tasks);
  if (const auto* m = std::get_if<JobResults>(&envelope->message)) walk(m->outcomes);
  if (const auto* m = std::get_if<LeaseResults>(&envelope->message)) walk(m->outcomes);
  // What was understood can be said again, and means the same.
  const Frames again = encode(*envelope);
  const Decoded back = decode(again.head, again.blob);
  REQUIRE(std::holds_alternative<Envelope>(back));
}

std::uint32_t seed() {
  const char* given = std::getenv("STINT_SEED");
  return given == nullptr ? std::random_device()() : static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10));
}

}  // namespace

TEST_CASE("every message cut short anywhere is an error") {
  for (const Envelope& envelope : sample_of_each_message()) {
    const Frames frames = encode(envelope);
    for (std::size_t size = 0; size < frames.head.size(); ++size) {
      CHECK(std::holds_alternative<DecodeError>(decode(std::string_view(frames.head).substr(0, size), frames.blob)));
    }
    for (std::uint32_t size = 0; size < frames.blob.size(); ++size) {
      CHECK(std::holds_alternative<DecodeError>(decode(frames.head, frames.blob.slice(0, size))));
    }
  }
}

TEST_CASE("flipped bytes never do more than change a value") {
  const std::uint32_t start = seed();
  MESSAGE("seed " << start << " (repeat it with STINT_SEED)");
  std::mt19937 random(start);
  for (const Envelope& envelope : sample_of_each_message()) {
    const Frames frames = encode(envelope);
    for (int i = 0; i < 2'000; ++i) {
      std::string head = frames.head;
      for (std::uint32_t flips = random() % 4 + 1; flips > 0; --flips) {
        head[random() % head.size()] ^= static_cast<char>(random() % 255 + 1);
      }
      const std::uint64_t before = allocated_bytes();
      const Decoded decoded = decode(head, frames.blob);
      CHECK(allocated_bytes() - before < 1'048'576);
      use(decoded);
    }
  }
}

TEST_CASE("random bytes behind a good header") {
  const std::uint32_t start = seed();
  MESSAGE("seed " << start << " (repeat it with STINT_SEED)");
  std::mt19937 random(start);
  for (int i = 0; i < 50'000; ++i) {
    std::string head("ST\x01", 3);
    head.push_back(static_cast<char>(random() % 41));
    for (std::uint32_t left = 8 + random() % 64; left > 0; --left) head.push_back(static_cast<char>(random()));
    use(decode(head, Blob()));
  }
}

TEST_CASE("what we write, msgpack-c reads") {
  for (const Envelope& envelope : sample_of_each_message()) {
    const Frames frames = encode(envelope);
    std::size_t offset = 12;
    const msgpack::object_handle body = msgpack::unpack(frames.head.data(), frames.head.size(), offset);
    CHECK(offset == frames.head.size());
    CHECK(body->type == msgpack::type::MAP);
  }
}
