#include "broker/store/rows.hpp"

#include <algorithm>
#include <utility>

#include "common/model/little_endian.hpp"
#include "common/wire/codec.hpp"

namespace stint::broker {
namespace {

constexpr std::size_t kPartBytes = 8;  // in front of each head of a row of results: its size, and its blob's

Frames frames_of(Message message) { return encode({SessionId{}, 0, std::move(message)}); }

template <class M>
std::optional<M> message_of(std::string_view head, Blob blob = {}) {
  Decoded decoded = decode(head, std::move(blob));
  auto* envelope = std::get_if<Envelope>(&decoded);
  if (envelope == nullptr) return std::nullopt;
  auto* message = std::get_if<M>(&envelope->message);
  if (message == nullptr) return std::nullopt;
  return std::move(*message);
}

void append_sizes(std::string& table, const Sizes& sizes) {
  if (!sizes.is_uniform()) {
    table += sizes.table().view();
    return;
  }
  for (std::uint32_t i = 0; i < sizes.count(); ++i) append_u32(table, sizes.uniform_size());
}

Sizes joined_sizes(const std::vector<Batch>& parts, std::uint32_t count) {
  const Sizes& first = parts.front().sizes;
  const bool alike = std::all_of(parts.begin(), parts.end(), [&first](const Batch& part) {
    return part.sizes.is_uniform() && part.sizes.uniform_size() == first.uniform_size();
  });
  if (alike) return Sizes::uniform(first.uniform_size(), count);
  std::string table;
  table.reserve(std::size_t{count} * 4);
  for (const Batch& part : parts) append_sizes(table, part.sizes);
  return Sizes::table(Blob::own(std::move(table)));
}

}  // namespace

Packed pack_tasks(JobId job, Index first, const Batch& tasks) {
  Frames frames = frames_of(Submit{job, first, false, tasks});
  return {std::move(frames.head), std::move(frames.blob)};
}

std::optional<Batch> unpack_tasks(std::string_view head, Blob blob, JobId job, Index first) {
  auto submit = message_of<Submit>(head, std::move(blob));
  if (!submit || submit->job != job || submit->first != first) return std::nullopt;
  return std::move(submit->tasks);
}

Batch joined(const std::vector<Batch>& parts) {
  if (parts.size() == 1) return parts.front();
  std::uint32_t count = 0;
  std::size_t bytes = 0;
  for (const Batch& part : parts) count += part.count(), bytes += part.blob.size();
  std::string all;
  all.reserve(bytes);
  for (const Batch& part : parts) all += part.blob.view();
  return {joined_sizes(parts, count), Blob::own(std::move(all))};
}

void pack_results(const JobResults& results, std::string& heads) {
  const Frames frames = frames_of(results);
  append_u32(heads, static_cast<std::uint32_t>(frames.head.size()));
  append_u32(heads, frames.blob.size());
  heads += frames.head;
}

std::optional<std::vector<JobResults>> unpack_results(std::string_view heads, const Blob& blob, JobId job,
                                                      std::uint64_t position) {
  std::vector<JobResults> all;
  std::uint32_t offset = 0;
  while (!heads.empty()) {
    if (heads.size() < kPartBytes) return std::nullopt;
    const std::uint32_t head_bytes = load_u32(heads.data());
    const std::uint32_t blob_bytes = load_u32(heads.data() + 4);
    heads.remove_prefix(kPartBytes);
    if (head_bytes > heads.size() || blob_bytes > blob.size() - offset) return std::nullopt;
    auto results = message_of<JobResults>(heads.substr(0, head_bytes), blob.slice(offset, blob_bytes));
    if (!results || results->job != job || results->position != position) return std::nullopt;
    heads.remove_prefix(head_bytes);
    offset += blob_bytes;
    position += results->outcomes.count();
    all.push_back(std::move(*results));
  }
  if (all.empty() || offset != blob.size()) return std::nullopt;
  return all;
}

std::string pack_options(const JobOptions& options) { return frames_of(Open{RequestId{}, options}).head; }

std::optional<JobOptions> unpack_options(std::string_view head) {
  auto open = message_of<Open>(head);
  if (!open) return std::nullopt;
  return std::move(open->options);
}

std::string pack_runs(const std::vector<Run>& runs) { return frames_of(Release{LeaseId{}, runs}).head; }

std::optional<std::vector<Run>> unpack_runs(std::string_view head) {
  auto release = message_of<Release>(head);
  if (!release) return std::nullopt;
  return std::move(release->runs);
}

std::string pack_done(const Done& done) { return frames_of(done).head; }

std::optional<Done> unpack_done(std::string_view head) { return message_of<Done>(head); }

}  // namespace stint::broker
