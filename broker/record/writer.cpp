#include "broker/record/writer.hpp"

#include <utility>

#include "common/wire/codec.hpp"

namespace stint::broker::record {

void Writer::put_fixed(std::uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(number >> shift);
}

void Writer::put_fixed(std::uint64_t number) {
  put_fixed(static_cast<std::uint32_t>(number));
  put_fixed(static_cast<std::uint32_t>(number >> 32));
}

// Seven bits a byte, the lowest first; the eighth says that more follow.
void Writer::put_number(std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) bytes_ += static_cast<char>(number | 0x80);
  bytes_ += static_cast<char>(number);
}

// 0, -1, 1, -2, 2 ... so that small ones are short either way.
void Writer::put_signed(std::int64_t number) {
  put_number(static_cast<std::uint64_t>(number) << 1 ^ static_cast<std::uint64_t>(number >> 63));
}

void Writer::put_text(std::string_view text) {
  put_number(text.size());
  bytes_ += text;
}

void Writer::put_checksum(std::string_view payload) {
  if (payload.empty()) return;
  Digest digest;
  digest.add(payload);
  put_fixed(digest.value());
}

void Writer::put_whole(const Blob& payload) {
  put_number(payload.size());
  put_checksum(payload.view());
}

void Writer::put_whole(const Sizes& sizes) {
  put_number(sizes.count());
  put(sizes.is_uniform());
  if (sizes.is_uniform()) {
    put_number(sizes.uniform_size());
  } else {
    for (std::uint32_t i = 0; i < sizes.count(); ++i) put_number(sizes.at(i));
  }
}

void Writer::put_whole(const Batch& batch) {
  put_whole(batch.sizes);
  for (BatchCursor task(batch); !task.done(); task.next()) put_checksum(task.view());
}

void Writer::put_whole(const Indices& indices) {
  put(indices.is_run());
  if (indices.is_run()) {
    put(indices.run());
  } else {
    put(indices.table());
  }
}

void Writer::put_whole(const Outcomes& outcomes) {
  put_whole(outcomes.indices);
  put_whole(outcomes.sizes);
  put_whole(outcomes.error_sizes);
  put_text(outcomes.micros.view());
  put(outcomes.not_done);
  for (OutcomeCursor task(outcomes); !task.done(); task.next()) {
    put_checksum(task.result());
    put_checksum(task.error());
  }
}

// As on the wire, whose layout is kept for ever; but without the payloads, among which a job's context is counted, since it may hold
// what a bug report should not tell.
void Writer::put_whole(const Envelope& envelope) {
  const auto* open = std::get_if<Open>(&envelope.message);
  if (open != nullptr && !open->options.context.empty()) {
    Envelope rest = envelope;
    std::get<Open>(rest.message).options.context.clear();
    put_text(encode(rest).head);
    put_whole(Blob::copy_of(open->options.context));
    return;
  }
  const Frames frames = encode(envelope);
  put_text(frames.head);
  put_number(frames.blob.size());
  if (const auto* submit = std::get_if<Submit>(&envelope.message)) {
    for (BatchCursor task(submit->tasks); !task.done(); task.next()) put_checksum(task.view());
  } else if (const auto* results = std::get_if<LeaseResults>(&envelope.message)) {
    for (OutcomeCursor task(results->outcomes); !task.done(); task.next()) {
      put_checksum(task.result());
      put_checksum(task.error());
    }
  }
}

// All of it, but for the context, as above.
void Writer::put_whole(const FoundJob& found) {
  FoundJob rest = found;
  const Blob context = Blob::own(std::exchange(rest.job.options.context, {}));
  for_each_field(rest, [this](const auto& field) { put(field); });
  put_whole(context);
}

void Writer::put_whole(TimePoint time) {
  put_signed((time - time_).count());
  time_ = time;
}

}  // namespace stint::broker::record
