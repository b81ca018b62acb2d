// libFuzzer: whatever bytes arrive, decoding them is safe, and what was understood can be said again.
//
// The input is a u16 (little-endian) with the length of the head frame, the head frame, and the second frame.
#include <cstdint>
#include <cstdlib>

#include "common/wire/codec.hpp"

using namespace stint;

namespace {

void use(const Outcomes& outcomes) {
  for (OutcomeCursor at(outcomes); !at.done(); at.next()) {
    if (at.result().size() + at.error().size() > outcomes.blob.size()) std::abort();
  }
}

void use(const Batch& batch) {
  for (BatchCursor at(batch); !at.done(); at.next()) {
    if (at.view().size() > batch.blob.size()) std::abort();
  }
}

void decode_message(std::string_view head, std::string_view blob) {
  const Decoded decoded = decode(head, Blob::copy_of(blob));
  const auto* envelope = std::get_if<Envelope>(&decoded);
  if (envelope == nullptr) return;
  if (const auto* m = std::get_if<Submit>(&envelope->message)) use(m->tasks);
  if (const auto* m = std::get_if<Tasks>(&envelope->message)) use(m->tasks);
  if (const auto* m = std::get_if<JobResults>(&envelope->message)) use(m->outcomes);
  if (const auto* m = std::get_if<LeaseResults>(&envelope->message)) use(m->outcomes);
  const Frames again = encode(*envelope);
  if (!std::holds_alternative<Envelope>(decode(again.head, again.blob))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view frames(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t head = std::min<std::size_t>(frames.size(), data[0] | data[1] << 8);
  decode_message(frames.substr(0, head), frames.substr(head));
  decode_event(frames.substr(head), frames.substr(0, head));
  return 0;
}
