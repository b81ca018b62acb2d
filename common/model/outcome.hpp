// How tasks ended: one batch of results, with the same layout from worker to broker and from broker to client, so that the broker
// forwards the bytes that it was sent.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/model/batch.hpp"
#include "stint/task.hpp"

namespace stint {

// A task of a batch of outcomes that did not end well. `exit` and `signal` are those of a command, else 0.
struct NotDone {
  std::uint32_t position = 0;  // within the batch
  Failure code = Failure::failed;
  std::int32_t exit = 0;
  std::int32_t signal = 0;
  friend bool operator==(const NotDone&, const NotDone&) = default;
};

// For each task two outputs: its result (or standard output), and its error text (or standard error). The blob holds them
// interleaved: result 0, error 0, result 1, error 1 ..., so that consecutive tasks are consecutive bytes.
struct Outcomes {
  Indices indices;
  Sizes sizes;                     // of the results
  Sizes error_sizes;               // of the error texts
  Blob micros;                     // u32 each, little-endian: how long the handler ran, microseconds; may be empty
  std::vector<NotDone> not_done;   // ascending by position; all others are done
  Blob blob;

  std::uint32_t count() const { return indices.count(); }
  std::uint32_t micros_at(std::uint32_t i) const;
  std::uint64_t total_micros() const;
  Outcomes slice(std::uint32_t first, std::uint32_t count) const;  // O(first + count) where sizes differ
  Outcomes compact() const;  // see Blob::compact
  friend bool operator==(const Outcomes&, const Outcomes&) = default;
};

// Walks through the tasks of a batch of outcomes, which must outlive it.
class OutcomeCursor {
 public:
  explicit OutcomeCursor(const Outcomes& outcomes)
      : outcomes_(&outcomes), bytes_(outcomes.blob.view()), micros_(outcomes.micros.view()) { measure(); }

  bool done() const { return i_ == count_; }
  std::uint32_t position() const { return i_; }
  Index index() const { return outcomes_->indices.at(i_); }
  std::string_view result() const { return bytes_.substr(offset_, size_); }
  std::string_view error() const { return bytes_.substr(offset_ + size_, error_size_); }
  std::uint32_t micros() const { return micros_of(micros_, i_); }
  const NotDone* not_done() const;  // null when the task is done
  void next();

 private:
  friend struct Outcomes;
  static std::uint32_t micros_of(std::string_view table, std::uint32_t i);  // 0 where there is none
  void measure();

  const Outcomes* outcomes_;
  std::string_view bytes_;
  std::string_view micros_;
  std::uint32_t count_ = outcomes_->count();
  std::uint32_t i_ = 0;
  std::uint32_t offset_ = 0;
  std::uint32_t size_ = 0;  // of what stands at i_
  std::uint32_t error_size_ = 0;
  std::uint32_t failure_ = 0;  // the first entry of not_done at or behind i_
};

// Gathers outcomes into a batch.
class OutcomesBuilder {
 public:
  void done(Index index, std::string_view result, std::uint32_t micros);
  void done_with(Index index, std::string result, std::uint32_t micros);  // a large result is not copied where it stands alone
  void not_done(Index index, Failure code, std::string_view result, std::string_view error, std::uint32_t micros,
                std::int32_t exit = 0, std::int32_t signal = 0);
  void copy(const OutcomeCursor& task);  // one task of another batch
  std::uint32_t count() const { return count_; }
  std::uint64_t bytes() const { return bytes_.size(); }
  bool empty() const { return count_ == 0; }
  Outcomes take();  // what was gathered; the builder is empty afterwards

 private:
  void add(Index index, std::string_view result, std::string_view error, std::uint32_t micros);
  void book(Index index, std::size_t result, std::size_t error, std::uint32_t micros);

  std::uint32_t count_ = 0;
  Run run_;                     // as long as the indices are one ...
  std::vector<Index> indices_;  // ... and all of them when they are not
  SizesBuilder sizes_;
  SizesBuilder error_sizes_;
  std::string micros_;
  std::vector<NotDone> not_done_;
  std::string bytes_;
};

}  // namespace stint
