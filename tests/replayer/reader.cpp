#include "tests/replayer/reader.hpp"

#include "common/wire/codec.hpp"
#include "tests/replayer/forged.hpp"

namespace stint::replay {

std::string_view Reader::take(std::uint64_t count) {
  if (count > bytes_.size()) throw RefusedRecording("it is shorter than it says");
  const std::string_view taken = bytes_.substr(0, count);
  bytes_.remove_prefix(count);
  return taken;
}

std::uint32_t Reader::get_fixed32() {
  std::uint32_t number = 0;
  for (int shift = 0; shift < 32; shift += 8) number |= std::uint32_t{get_byte()} << shift;
  return number;
}

std::uint64_t Reader::get_fixed64() {
  const std::uint64_t low = get_fixed32();
  return low | std::uint64_t{get_fixed32()} << 32;
}

std::uint64_t Reader::get_number() {
  std::uint64_t number = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = get_byte();
    number |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return number;
  }
  throw RefusedRecording("it holds a number of more than 64 bits");
}

std::uint32_t Reader::get_count() {
  const std::uint64_t count = get_number();
  if (count > bytes_.size()) throw RefusedRecording("it holds fewer values than it says");
  return static_cast<std::uint32_t>(count);
}

std::string Reader::get_payload(std::uint64_t size) {
  if (size > UINT32_MAX) throw RefusedRecording("it names a payload of " + std::to_string(size) + " bytes");
  return size == 0 ? std::string() : forged(static_cast<std::uint32_t>(size), get_fixed32());
}

void Reader::fill(Batch& batch) {
  std::string bytes;
  for (std::uint32_t i = 0; i < batch.count(); ++i) bytes += get_payload(batch.sizes.at(i));
  batch.blob = Blob::own(std::move(bytes));
}

void Reader::fill(Outcomes& outcomes) {
  std::string bytes;
  for (std::uint32_t i = 0; i < outcomes.count(); ++i) {
    bytes += get_payload(outcomes.sizes.at(i));
    bytes += get_payload(outcomes.error_sizes.at(i));
  }
  outcomes.blob = Blob::own(std::move(bytes));
}

// A table stays a table, also where all sizes are alike: it would be sent as it came.
void Reader::read_whole(Sizes& sizes) {
  const auto count = get<std::uint32_t>();
  if (get<bool>()) {
    sizes = Sizes::uniform(get<std::uint32_t>(), count);
    return;
  }
  std::string table;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto size = get<std::uint32_t>();
    for (int shift = 0; shift < 32; shift += 8) table += static_cast<char>(size >> shift);
  }
  sizes = Sizes::table(Blob::own(std::move(table)));
}

void Reader::read_whole(Batch& batch) {
  read(batch.sizes);
  fill(batch);
}

void Reader::read_whole(Indices& indices) {
  if (get<bool>()) {
    indices = Indices(get<Run>());
  } else {
    indices = Indices(get<std::vector<Index>>());
  }
}

void Reader::read_whole(Outcomes& outcomes) {
  read(outcomes.indices);
  read(outcomes.sizes);
  read(outcomes.error_sizes);
  outcomes.micros = Blob::own(get<std::string>());
  read(outcomes.not_done);
  fill(outcomes);
}

// Its sizes stand in the head, so it is decoded with zeros for payloads, which are then put right.
void Reader::read_whole(Envelope& envelope) {
  const auto head = get<std::string>();
  const auto size = get<std::uint32_t>();
  constexpr std::size_t kTypeAt = 3;
  const bool opens = head.size() > kTypeAt && static_cast<MessageType>(head[kTypeAt]) == MessageType::open;
  Decoded decoded = decode(head, opens ? Blob() : Blob::own(std::string(size, '\0')));
  if (const auto* error = std::get_if<DecodeError>(&decoded)) throw RefusedRecording("its message is none: " + error->text);
  envelope = std::get<Envelope>(std::move(decoded));
  if (auto* open = std::get_if<Open>(&envelope.message)) {
    open->options.context = get_payload(size);
  } else if (auto* submit = std::get_if<Submit>(&envelope.message)) {
    fill(submit->tasks);
  } else if (auto* results = std::get_if<LeaseResults>(&envelope.message)) {
    fill(results->outcomes);
  }
}

void Reader::read_whole(Error& error) {
  Envelope envelope;
  read(envelope);
  const auto* read = std::get_if<Error>(&envelope.message);
  if (read == nullptr) throw RefusedRecording("it holds another message where an error should be");
  error = *read;
}

void Reader::read_whole(broker::FoundJob& found) {
  broker::record::for_each_field(found, [this](auto& field) { read(field); });
  found.job.options.context = get_payload(get_number());
}

}  // namespace stint::replay
