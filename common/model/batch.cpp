#include "common/model/batch.hpp"

#include <algorithm>
#include <cstring>

#include "common/model/require.hpp"

namespace stint {
namespace {

std::uint32_t load_u32(const char* bytes) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void store_u32(std::string& bytes, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

Sizes Sizes::uniform(std::uint32_t size, std::uint32_t count) {
  Sizes sizes;
  sizes.count_ = count;
  sizes.uniform_ = count == 0 ? 0 : size;
  return sizes;
}

Sizes Sizes::table(Blob table) {
  STINT_REQUIRE(table.size() % 4 == 0);
  Sizes sizes;
  sizes.count_ = table.size() / 4;
  sizes.table_ = std::move(table);
  return sizes;
}

Sizes Sizes::of(const std::vector<std::uint32_t>& sizes) {
  if (std::adjacent_find(sizes.begin(), sizes.end(), std::not_equal_to<>()) == sizes.end()) {
    return uniform(sizes.empty() ? 0 : sizes.front(), static_cast<std::uint32_t>(sizes.size()));
  }
  std::string bytes;
  bytes.reserve(sizes.size() * 4);
  for (std::uint32_t size : sizes) store_u32(bytes, size);
  return table(Blob::own(std::move(bytes)));
}

std::uint32_t Sizes::at(std::uint32_t i) const {
  STINT_REQUIRE(i < count_);
  return is_uniform() ? uniform_ : load_u32(table_.view().data() + std::size_t{i} * 4);
}

std::uint64_t Sizes::total(std::uint32_t first, std::uint32_t count) const {
  STINT_REQUIRE(std::uint64_t{first} + count <= count_);
  if (is_uniform()) return std::uint64_t{uniform_} * count;
  const char* at = table_.view().data() + std::size_t{first} * 4;
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < count; ++i, at += 4) sum += load_u32(at);
  return sum;
}

Sizes Sizes::slice(std::uint32_t first, std::uint32_t count) const {
  STINT_REQUIRE(std::uint64_t{first} + count <= count_);
  return is_uniform() ? uniform(uniform_, count) : table(table_.slice(first * 4, count * 4));
}

Batch Batch::slice(std::uint32_t first, std::uint32_t count) const {
  const std::uint64_t offset = sizes.total(0, first);
  const std::uint64_t size = sizes.total(first, count);
  return {sizes.slice(first, count), blob.slice(static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(size))};
}

void BatchBuilder::add(std::string_view payload) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  if (count_ == 0) uniform_ = size;
  if (sizes_.empty() && size != uniform_) sizes_.assign(count_, uniform_);
  if (size != uniform_ || !sizes_.empty()) sizes_.push_back(size);
  bytes_.append(payload);
  ++count_;
}

Batch BatchBuilder::take() {
  Batch batch{sizes_.empty() ? Sizes::uniform(uniform_, count_) : Sizes::of(sizes_), Blob::own(std::move(bytes_))};
  *this = BatchBuilder();
  return batch;
}

Indices::Indices(std::vector<Index> table) {
  const bool consecutive = std::adjacent_find(table.begin(), table.end(), [](Index a, Index b) { return b != a + 1; }) == table.end();
  if (consecutive) {
    run_ = {table.empty() ? 0 : table.front(), table.size()};
  } else {
    table_ = std::move(table);
  }
}

std::uint32_t Indices::count() const { return static_cast<std::uint32_t>(table_.empty() ? run_.count : table_.size()); }

Indices Indices::slice(std::uint32_t first, std::uint32_t count) const {
  STINT_REQUIRE(std::uint64_t{first} + count <= this->count());
  if (is_run()) return Indices(Run{run_.first + first, count});
  return Indices(std::vector<Index>(table_.begin() + first, table_.begin() + first + count));
}

}  // namespace stint
