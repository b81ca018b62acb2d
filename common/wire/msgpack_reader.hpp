// Reads msgpack in place: one value after the other, without building a tree and without allocating.
//
//   MsgpackReader at(bytes);
//   std::uint32_t fields = 0;
//   if (!at.map(fields)) return malformed();
//
// msgpack-c's unpack() allocates what a length announces before it has seen one element of it (five bytes ask for 96
// GB), and even its visitors allocate a stack for each call. Here a length is believed only as far as bytes are there
// to back it.
//
// Each function reads one value of its type and steps behind it; false means that there is none, and where the reader
// then stands is not defined. A view points into the bytes that were given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stint::wire {

enum class MsgpackType {
  nil,
  boolean,
  unsigned_integer,
  negative_integer,
  real,
  text,
  bytes,
  array,
  map,
  extension,
  invalid
};

class MsgpackReader {
 public:
  explicit MsgpackReader(std::string_view bytes) : bytes_(bytes) {}

  bool at_end() const { return at_ == bytes_.size(); }
  std::string_view rest() const { return bytes_.substr(at_); }
  MsgpackType next() const;

  bool boolean(bool& value);
  bool unsigned_integer(std::uint64_t& value);  // of any width, not negative
  bool signed_integer(std::int64_t& value);     // of any width and sign that 64 signed bits hold
  bool real(double& value);                     // a float of either width, or an integer
  bool text(std::string_view& value);           // not looked at: whether it is UTF-8 is for the caller to ask
  bool bytes(std::string_view& value);
  bool array(std::uint32_t& elements);  // its elements follow; never more of them than bytes
  bool map(std::uint32_t& pairs);       // its keys and values follow; never more pairs than bytes for them

  // Steps over one value of any type with at most `depth` levels of arrays and maps.
  bool skip(std::uint32_t depth);

 private:
  bool tag(unsigned char& tag);
  bool big_endian(std::size_t width, std::uint64_t& value);
  bool take(std::uint64_t size, std::string_view& value);

  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace stint::wire
