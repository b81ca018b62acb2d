#include "common/model/blob.hpp"

#include "common/model/require.hpp"

namespace stint {
namespace {

class StringOwner final : public Blob::Owner {
 public:
  explicit StringOwner(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string_view bytes() const override { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace

Blob::Blob(std::unique_ptr<Owner> owner) : owner_(owner.release()) {
  size_ = static_cast<std::uint32_t>(owner_->bytes().size());
  owner_->references_.fetch_add(1, std::memory_order_relaxed);
}

Blob::Blob(Owner* owner, std::uint32_t offset, std::uint32_t size) noexcept
    : owner_(owner), offset_(offset), size_(size) {
  if (owner_ != nullptr) owner_->references_.fetch_add(1, std::memory_order_relaxed);
}

Blob::Blob(const Blob& other) noexcept : Blob(other.owner_, other.offset_, other.size_) {}

Blob::Blob(Blob&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)),
      offset_(std::exchange(other.offset_, 0)),
      size_(std::exchange(other.size_, 0)) {}

Blob& Blob::operator=(Blob other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(offset_, other.offset_);
  std::swap(size_, other.size_);
  return *this;
}

Blob::~Blob() { let_go(); }

void Blob::let_go() noexcept {
  if (owner_ != nullptr && owner_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete owner_;
}

Blob Blob::copy_of(std::string_view bytes) { return bytes.empty() ? Blob() : own(std::string(bytes)); }

Blob Blob::own(std::string bytes) {
  return bytes.empty() ? Blob() : Blob(std::make_unique<StringOwner>(std::move(bytes)));
}

std::string_view Blob::view() const {
  return owner_ == nullptr ? std::string_view() : owner_->bytes().substr(offset_, size_);
}

Blob Blob::slice(std::uint32_t offset, std::uint32_t size) const {
  STINT_REQUIRE(std::uint64_t{offset} + size <= size_);
  return size == 0 ? Blob() : Blob(owner_, offset_ + offset, size);
}

Blob Blob::compact() const {
  return owner_ != nullptr && owner_->bytes().size() / 2 > size_ ? copy_of(view()) : *this;
}

}  // namespace stint
