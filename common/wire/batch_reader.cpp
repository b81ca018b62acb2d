// Batches: tables that lie in the body as they lie in memory, and one blob. One pass over each table proves it right;
// no task is looked at alone, and no payload is copied.
#include <algorithm>

#include "common/wire/field_reader.hpp"
#include "common/model/little_endian.hpp"

namespace stint::wire {
namespace {

struct Measure {
  std::uint64_t total = 0;
  std::uint64_t largest = 0;
};

Measure measure(const Sizes& sizes) {
  if (sizes.is_uniform()) return {sizes.total(), sizes.uniform_size()};
  Measure all;
  const std::string_view table = sizes.table().view();
  for (std::size_t at = 0; at < table.size(); at += 4) {
    const std::uint64_t size = load_u32(table.data() + at);
    all.total += size;
    all.largest = std::max(all.largest, size);
  }
  return all;
}

// Of a result and its error text together; looks at each pair only where the two largest could exceed the limit.
std::uint64_t largest_pair(const Outcomes& outcomes, const Measure& results, const Measure& errors) {
  if (results.largest + errors.largest <= limits::kMaxPayloadBytes) return results.largest + errors.largest;
  std::uint64_t largest = 0;
  for (std::uint32_t i = 0; i < outcomes.sizes.count(); ++i) {
    largest = std::max(largest, std::uint64_t{outcomes.sizes.at(i)} + outcomes.error_sizes.at(i));
  }
  return largest;
}

std::string too_large(std::uint64_t size) {
  return "a payload has " + std::to_string(size) + " bytes, the limit is " + std::to_string(limits::kMaxPayloadBytes);
}

}  // namespace

std::uint32_t FieldReader::tasks() {
  std::uint32_t count = 0;
  number("n", count);
  if (count == 0) refuse(ErrorCode::malformed, "n", "a message with payloads has at least one task", 1);
  if (count > limits::kMaxBatchTasks) {
    refuse(ErrorCode::bad_value, "n", "the limit is " + std::to_string(limits::kMaxBatchTasks) + " tasks in a message",
           limits::kMaxBatchTasks);
  }
  return count;
}

// A table of `count` numbers of `width` bytes each; false when there is none, which may be as it should.
bool FieldReader::table(std::string_view key, std::size_t width, std::uint32_t count, std::string_view& bytes) {
  MsgpackReader* at = find(key);
  if (at == nullptr) return false;
  if (at->bytes(bytes) && bytes.size() == width * count) return true;
  expects(key,
          "a byte string of " + std::to_string(width) + " bytes for each of the " + std::to_string(count) + " tasks",
          width * count);
  return false;
}

void FieldReader::sizes(std::string_view key, std::uint32_t count, Sizes& sizes) {
  MsgpackReader* at = find(key);
  std::string_view bytes;
  std::uint64_t uniform = 0;
  if (at == nullptr || at->next() == MsgpackType::unsigned_integer) {
    if (at != nullptr && (!at->unsigned_integer(uniform) || uniform > limits::kMaxFrameBytes)) {
      return refuse(ErrorCode::too_large, key, too_large(uniform), limits::kMaxPayloadBytes);
    }
    sizes = Sizes::uniform(static_cast<std::uint32_t>(uniform), count);
  } else if (at->bytes(bytes) && bytes.size() == std::size_t{count} * 4) {
    sizes = Sizes::table(Blob::copy_of(bytes));
  } else {
    expects(key, "a whole number, or a byte string of 4 bytes for each of the " + std::to_string(count) + " tasks",
            count * 4ULL);
  }
}

Blob FieldReader::take_blob(std::uint64_t size) {
  if (blob_.size() != size) {
    refuse(
        ErrorCode::malformed, "",
        "the second frame has " + std::to_string(blob_.size()) + " bytes, the sizes add up to " + std::to_string(size),
        size);
  }
  return std::move(blob_);
}

void FieldReader::batch(Batch& batch) {
  const std::uint32_t count = tasks();
  if (good()) sizes("sizes", count, batch.sizes);
  if (!good()) return;
  const Measure all = measure(batch.sizes);
  batch.blob = take_blob(all.total);
  if (all.largest > limits::kMaxPayloadBytes)
    refuse(ErrorCode::too_large, "", too_large(all.largest), limits::kMaxPayloadBytes);
}

void FieldReader::fits(Index first, std::uint32_t count) {
  if (first > std::numeric_limits<Index>::max() - count)
    refuse(ErrorCode::bad_value, "", "the positions exceed 64 bits");
}

void FieldReader::indices(Indices& indices, std::uint32_t count) {
  Index first = 0;
  std::string_view bytes;
  number("first", first);
  fits(first, count);
  if (!good()) return;
  if (!table("indices", 8, count, bytes)) {
    indices = Indices(Run{first, count});
    return;
  }
  std::vector<Index> all(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    all[i] = load_u64(bytes.data() + std::size_t{i} * 8);
    fits(all[i], 1);
  }
  indices = Indices(std::move(all));
}

void FieldReader::outcomes(Outcomes& outcomes) {
  const std::uint32_t count = tasks();
  std::string_view micros;
  if (good()) indices(outcomes.indices, count);
  if (good()) sizes("sizes", count, outcomes.sizes);
  if (good()) sizes("err_sizes", count, outcomes.error_sizes);
  if (good() && table("us", 4, count, micros)) outcomes.micros = Blob::copy_of(micros);
  if (good()) not_done(outcomes.not_done, count);
  if (!good()) return;
  const Measure results = measure(outcomes.sizes);
  const Measure errors = measure(outcomes.error_sizes);
  outcomes.blob = take_blob(results.total + errors.total);
  if (!good()) return;
  const std::uint64_t largest = largest_pair(outcomes, results, errors);
  if (largest > limits::kMaxPayloadBytes)
    refuse(ErrorCode::too_large, "", too_large(largest), limits::kMaxPayloadBytes);
}

// Records of four u32: position, code, exit status, signal.
void FieldReader::not_done(std::vector<NotDone>& failures, std::uint32_t count) {
  constexpr std::size_t kRecord = 16;
  MsgpackReader* at = find("not_done");
  std::string_view bytes;
  if (at == nullptr) return;
  if (!at->bytes(bytes) || bytes.size() % kRecord != 0 || bytes.size() / kRecord > count) {
    return expects("not_done", "a byte string of 16 bytes for each task that is not done");
  }
  failures.reserve(bytes.size() / kRecord);
  for (const char* record = bytes.data(); record != bytes.data() + bytes.size(); record += kRecord) {
    const std::uint32_t position = load_u32(record);
    const std::uint32_t code = load_u32(record + 4);
    const bool ascends = failures.empty() || failures.back().position < position;
    if (!ascends || position >= count)
      return refuse(ErrorCode::malformed, "not_done", "its positions ascend and are below n", count);
    if (code < static_cast<std::uint32_t>(Failure::failed) || code > static_cast<std::uint32_t>(Failure::cancelled)) {
      return refuse(ErrorCode::bad_value, "not_done", "no failure has the code " + std::to_string(code),
                    static_cast<std::uint64_t>(Failure::cancelled));
    }
    failures.push_back({position, static_cast<Failure>(code), static_cast<std::int32_t>(load_u32(record + 8)),
                        static_cast<std::int32_t>(load_u32(record + 12))});
  }
}

}  // namespace stint::wire
