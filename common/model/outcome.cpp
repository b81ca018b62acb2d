#include "common/model/outcome.hpp"

#include <algorithm>

namespace stint {

std::uint32_t Outcomes::micros_at(std::uint32_t i) const {
  if (micros.size() < (std::size_t{i} + 1) * 4) return 0;
  std::uint32_t value = 0;
  for (int k = 3; k >= 0; --k) value = value << 8 | static_cast<unsigned char>(micros.view()[std::size_t{i} * 4 + k]);
  return value;
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

const NotDone* OutcomeCursor::not_done() const {
  const auto& failures = outcomes_->not_done;
  return failure_ < failures.size() && failures[failure_].position == i_ ? &failures[failure_] : nullptr;
}

void OutcomeCursor::next() {
  if (not_done() != nullptr) ++failure_;
  offset_ += outcomes_->sizes.at(i_) + outcomes_->error_sizes.at(i_);
  ++i_;
}

void OutcomesBuilder::add(Index index, std::string_view result, std::string_view error, std::uint32_t micros) {
  indices_.push_back(index);
  sizes_.push_back(static_cast<std::uint32_t>(result.size()));
  error_sizes_.push_back(static_cast<std::uint32_t>(error.size()));
  for (int i = 0; i < 4; ++i) micros_.push_back(static_cast<char>(micros >> (8 * i)));
  bytes_.append(result).append(error);
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
  outcomes.indices = Indices(std::move(indices_));
  outcomes.sizes = Sizes::of(sizes_);
  outcomes.error_sizes = Sizes::of(error_sizes_);
  outcomes.micros = Blob::own(std::move(micros_));
  outcomes.not_done = std::move(not_done_);
  outcomes.blob = Blob::own(std::move(bytes_));
  *this = OutcomesBuilder();
  return outcomes;
}

}  // namespace stint
