#include "common/model/outcome.hpp"

#include "common/model/little_endian.hpp"

namespace stint {
namespace {

constexpr std::size_t kWorthTaking = 16 * 1024;  // below, the next results would only make the string grow again

}  // namespace

std::uint32_t OutcomeCursor::micros_of(std::string_view table, std::uint32_t i) {
  return table.size() < (std::size_t{i} + 1) * 4 ? 0 : load_u32(table.data() + std::size_t{i} * 4);
}

std::uint32_t Outcomes::micros_at(std::uint32_t i) const { return OutcomeCursor::micros_of(micros.view(), i); }

std::uint64_t Outcomes::total_micros() const {
  const std::string_view table = micros.view();
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < count(); ++i) sum += OutcomeCursor::micros_of(table, i);
  return sum;
}

Outcomes Outcomes::slice(std::uint32_t first, std::uint32_t count) const {
  const std::uint64_t offset = sizes.total(0, first) + error_sizes.total(0, first);
  const std::uint64_t size = sizes.total(first, count) + error_sizes.total(first, count);
  Outcomes part;
  part.indices = indices.slice(first, count);
  part.sizes = sizes.slice(first, count);
  part.error_sizes = error_sizes.slice(first, count);
  if (!micros.empty()) part.micros = micros.slice(first * 4, count * 4);
  for (NotDone failure : not_done) {
    if (failure.position < first || failure.position - first >= count) continue;
    failure.position -= first;
    part.not_done.push_back(failure);
  }
  part.blob = blob.slice(static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(size));
  return part;
}

Outcomes Outcomes::compact() const {
  return {indices, sizes.compact(), error_sizes.compact(), micros.compact(), not_done, blob.compact()};
}

const NotDone* OutcomeCursor::not_done() const {
  const auto& failures = outcomes_->not_done;
  return failure_ < failures.size() && failures[failure_].position == i_ ? &failures[failure_] : nullptr;
}

void OutcomeCursor::measure() {
  if (done()) return;
  size_ = outcomes_->sizes.at(i_);
  error_size_ = outcomes_->error_sizes.at(i_);
}

void OutcomeCursor::next() {
  if (not_done() != nullptr) ++failure_;
  offset_ += size_ + error_size_;
  ++i_;
  measure();
}

void OutcomesBuilder::book(Index index, std::size_t result, std::size_t error, std::uint32_t micros) {
  if (count_ == 0) run_.first = index;
  if (indices_.empty() && index == run_.end()) {
    ++run_.count;
  } else {
    if (indices_.empty()) {
      for (Index i = run_.first; i < run_.end(); ++i) indices_.push_back(i);
    }
    indices_.push_back(index);
  }
  ++count_;
  sizes_.add(static_cast<std::uint32_t>(result));
  error_sizes_.add(static_cast<std::uint32_t>(error));
  append_u32(micros_, micros);
}

void OutcomesBuilder::add(Index index, std::string_view result, std::string_view error, std::uint32_t micros) {
  book(index, result.size(), error.size(), micros);
  bytes_.append(result).append(error);
}

void OutcomesBuilder::done_with(Index index, std::string result, std::uint32_t micros) {
  if (!bytes_.empty() || result.size() < kWorthTaking) return done(index, result, micros);
  book(index, result.size(), 0, micros);
  bytes_ = std::move(result);
}

void OutcomesBuilder::done(Index index, std::string_view result, std::uint32_t micros) { add(index, result, {}, micros); }

void OutcomesBuilder::not_done(Index index, Failure code, std::string_view result, std::string_view error, std::uint32_t micros,
                               std::int32_t exit, std::int32_t signal) {
  not_done_.push_back({count(), code, exit, signal});
  add(index, result, error, micros);
}

void OutcomesBuilder::copy(const OutcomeCursor& task) {
  if (const NotDone* failure = task.not_done()) {
    not_done(task.index(), failure->code, task.result(), task.error(), task.micros(), failure->exit, failure->signal);
  } else {
    done(task.index(), task.result(), task.micros());
  }
}

Outcomes OutcomesBuilder::take() {
  Outcomes outcomes;
  outcomes.indices = indices_.empty() ? Indices(run_) : Indices(std::move(indices_));
  outcomes.sizes = sizes_.take();
  outcomes.error_sizes = error_sizes_.take();
  outcomes.micros = Blob::own(std::move(micros_));
  outcomes.not_done = std::move(not_done_);
  outcomes.blob = Blob::own(std::move(bytes_));
  *this = OutcomesBuilder();
  return outcomes;
}

}  // namespace stint
