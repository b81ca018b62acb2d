// A run of bytes that nobody copies: owner, offset and size, 16 bytes in all.
//
//   Blob text = Blob::copy_of("hello world");
//   Blob word = text.slice(6, 5);            // shares the owner
//   word.view() == "world"
//
// The owner is type-erased, so that a pure core can hold what arrived in a ZeroMQ message without knowing ZeroMQ. A Blob is
// immutable and may be shared between threads. It keeps its whole owner alive: copy a small slice of a large owner with
// `compact()` before keeping it long.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace stint {

class Blob {
 public:
  // Whatever holds the bytes. Deleted when the last Blob lets go of it; deleting must not throw.
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    virtual std::string_view bytes() const = 0;

   private:
    friend class Blob;
    std::atomic<std::uint32_t> references_{0};
  };

  Blob() = default;
  explicit Blob(std::unique_ptr<Owner> owner);
  Blob(const Blob& other) noexcept;
  Blob(Blob&& other) noexcept;
  Blob& operator=(Blob other) noexcept;
  ~Blob();

  static Blob copy_of(std::string_view bytes);
  static Blob own(std::string bytes);

  std::string_view view() const;
  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The `size` bytes from `offset`, sharing the owner. Requires: offset + size <= this->size().
  Blob slice(std::uint32_t offset, std::uint32_t size) const;

  // Itself, or a copy when it would pin more than twice its own size.
  Blob compact() const;

  // For the shell, which passes a whole message on without copying it; null when empty.
  Owner* owner() const { return owner_; }

  friend bool operator==(const Blob& a, const Blob& b) { return a.view() == b.view(); }

 private:
  Blob(Owner* owner, std::uint32_t offset, std::uint32_t size) noexcept;
  void let_go() noexcept;

  Owner* owner_ = nullptr;
  std::uint32_t offset_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace stint
