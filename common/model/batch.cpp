#include "common/model/batch.hpp"

#include <algorithm>
#include <cstring>

#include "common/model/require.hpp"

namespace stint {

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
  for (std::uint32_t size : sizes) append_u32(bytes, size);
  return table(Blob::own(std::move(bytes)));
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

Sizes Sizes::compact() const { return is_uniform() ? *this : table(table_.compact()); }

Batch Batch::slice(std::uint32_t first, std::uint32_t count) const {
  const std::uint64_t offset = sizes.total(0, first);
  const std::uint64_t size = sizes.total(first, count);
  return {sizes.slice(first, count), blob.slice(static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(size))};
}

void SizesBuilder::add_other(std::uint32_t size) {
  while (table_.size() < (std::size_t{count_} - 1) * 4) append_u32(table_, uniform_);  // all before were alike
  append_u32(table_, size);
}

Sizes SizesBuilder::take() {
  Sizes sizes = table_.empty() ? Sizes::uniform(uniform_, count_) : Sizes::table(Blob::own(std::move(table_)));
  *this = SizesBuilder();
  return sizes;
}

Batch BatchBuilder::take() {
  Batch batch{sizes_.take(), Blob::own(std::move(bytes_))};
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
