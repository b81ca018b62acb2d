// Many payloads in one message: their sizes, and one Blob that holds them back to back.
//
//   for (BatchCursor at(batch); !at.done(); at.next()) use(at.view());
//
// No object exists per payload: at millions of tasks a second that would be the whole cost.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/blob.hpp"
#include "common/model/little_endian.hpp"
#include "common/model/require.hpp"
#include "stint/ids.hpp"

namespace stint {

// The sizes of n payloads: one number when all are alike, else a table of u32 (little-endian, as it stands on the wire).
class Sizes {
 public:
  Sizes() = default;
  static Sizes uniform(std::uint32_t size, std::uint32_t count);
  static Sizes table(Blob table);  // Requires: a size that is a multiple of 4
  static Sizes of(const std::vector<std::uint32_t>& sizes);

  std::uint32_t count() const { return count_; }
  std::uint32_t at(std::uint32_t i) const {
    STINT_REQUIRE(i < count_);
    return is_uniform() ? uniform_ : load_u32(table_.view().data() + std::size_t{i} * 4);
  }
  bool is_uniform() const { return table_.empty(); }
  std::uint32_t uniform_size() const { return uniform_; }
  const Blob& table() const { return table_; }

  std::uint64_t total() const { return total(0, count_); }
  std::uint64_t total(std::uint32_t first, std::uint32_t count) const;  // O(count) for a table
  Sizes slice(std::uint32_t first, std::uint32_t count) const;
  Sizes compact() const;  // see Blob::compact

  friend bool operator==(const Sizes&, const Sizes&) = default;

 private:
  std::uint32_t count_ = 0;
  std::uint32_t uniform_ = 0;
  Blob table_;
};

// Gathers sizes.
class SizesBuilder {
 public:
  void add(std::uint32_t size) {
    if (count_ == 0) uniform_ = size;
    ++count_;
    if (!table_.empty() || size != uniform_) add_other(size);
  }
  std::uint32_t count() const { return count_; }
  Sizes take();  // the builder is empty afterwards

 private:
  void add_other(std::uint32_t size);

  std::string table_;  // as it stands on the wire; empty while all are alike
  std::uint32_t uniform_ = 0;
  std::uint32_t count_ = 0;
};

struct Batch {
  Sizes sizes;
  Blob blob;  // sizes.total() bytes

  std::uint32_t count() const { return sizes.count(); }
  Batch slice(std::uint32_t first, std::uint32_t count) const;  // O(first + count) for a table of sizes
  friend bool operator==(const Batch&, const Batch&) = default;
};

// Walks through the payloads of a batch, which must outlive it.
class BatchCursor {
 public:
  explicit BatchCursor(const Batch& batch) : batch_(batch), bytes_(batch.blob.view()), count_(batch.count()) {}

  bool done() const { return i_ == count_; }
  std::uint32_t position() const { return i_; }
  std::uint32_t offset() const { return offset_; }
  std::uint32_t size() const { return batch_.sizes.at(i_); }
  std::string_view view() const { return bytes_.substr(offset_, size()); }
  Blob blob() const { return batch_.blob.slice(offset_, size()); }
  void next() { offset_ += size(), ++i_; }

 private:
  const Batch& batch_;
  std::string_view bytes_;
  std::uint32_t count_;
  std::uint32_t i_ = 0;
  std::uint32_t offset_ = 0;
};

// Gathers payloads into a batch.
class BatchBuilder {
 public:
  void add(std::string_view payload) { sizes_.add(static_cast<std::uint32_t>(payload.size())), bytes_.append(payload); }
  std::uint32_t count() const { return sizes_.count(); }
  std::uint64_t bytes() const { return bytes_.size(); }
  bool empty() const { return count() == 0; }
  Batch take();  // what was gathered; the builder is empty afterwards

 private:
  std::string bytes_;
  SizesBuilder sizes_;
};

// Which tasks a batch is about: a run, or a table where they are not consecutive.
class Indices {
 public:
  Indices() = default;
  explicit Indices(Run run) : run_(run) {}
  explicit Indices(std::vector<Index> table);  // becomes a run where it is one

  std::uint32_t count() const;
  Index at(std::uint32_t i) const { return table_.empty() ? run_.first + i : table_[i]; }
  bool is_run() const { return table_.empty(); }
  Run run() const { return run_; }
  const std::vector<Index>& table() const { return table_; }
  Indices slice(std::uint32_t first, std::uint32_t count) const;
  friend bool operator==(const Indices&, const Indices&) = default;

 private:
  Run run_;
  std::vector<Index> table_;
};

}  // namespace stint
