#include "common/wire/msgpack_reader.hpp"

#include <bit>
#include <limits>

namespace stint::wire {

// The first byte of a value tells its type, and often its size or all of it (the msgpack specification, "Formats").
MsgpackType MsgpackReader::next() const {
  if (at_end()) return MsgpackType::invalid;
  const auto tag = static_cast<unsigned char>(bytes_[at_]);
  if (tag <= 0x7F) return MsgpackType::unsigned_integer;
  if (tag <= 0x8F) return MsgpackType::map;
  if (tag <= 0x9F) return MsgpackType::array;
  if (tag <= 0xBF) return MsgpackType::text;
  if (tag >= 0xE0) return MsgpackType::negative_integer;
  switch (tag) {
    case 0xC0:
      return MsgpackType::nil;
    case 0xC2:
    case 0xC3:
      return MsgpackType::boolean;
    case 0xC4:
    case 0xC5:
    case 0xC6:
      return MsgpackType::bytes;
    case 0xC7:
    case 0xC8:
    case 0xC9:
      return MsgpackType::extension;
    case 0xCA:
    case 0xCB:
      return MsgpackType::real;
    case 0xCC:
    case 0xCD:
    case 0xCE:
    case 0xCF:
      return MsgpackType::unsigned_integer;
    case 0xD4:
    case 0xD5:
    case 0xD6:
    case 0xD7:
    case 0xD8:
      return MsgpackType::extension;
    case 0xD9:
    case 0xDA:
    case 0xDB:
      return MsgpackType::text;
    case 0xDC:
    case 0xDD:
      return MsgpackType::array;
    case 0xDE:
    case 0xDF:
      return MsgpackType::map;
    default:
      break;
  }
  if (tag < 0xD0 || tag > 0xD3) return MsgpackType::invalid;
  // Some encoders write every signed variable in a signed format, also where its value is not negative.
  const bool negative = at_ + 1 < bytes_.size() && (static_cast<unsigned char>(bytes_[at_ + 1]) & 0x80) != 0;
  return negative ? MsgpackType::negative_integer : MsgpackType::unsigned_integer;
}

bool MsgpackReader::tag(unsigned char& tag) {
  if (at_end()) return false;
  tag = static_cast<unsigned char>(bytes_[at_++]);
  return true;
}

bool MsgpackReader::big_endian(std::size_t width, std::uint64_t& value) {
  if (bytes_.size() - at_ < width) return false;
  value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes_[at_ + i]);
  at_ += width;
  return true;
}

bool MsgpackReader::take(std::uint64_t size, std::string_view& value) {
  if (bytes_.size() - at_ < size) return false;
  value = bytes_.substr(at_, size);
  at_ += size;
  return true;
}

bool MsgpackReader::boolean(bool& value) {
  unsigned char first = 0;
  if (!tag(first)) return false;
  value = first == 0xC3;
  return first == 0xC2 || first == 0xC3;
}

bool MsgpackReader::unsigned_integer(std::uint64_t& value) {
  if (next() != MsgpackType::unsigned_integer) return false;
  unsigned char first = 0;
  tag(first);
  value = first;
  if (first <= 0x7F) return true;
  return big_endian(std::size_t{1} << (first & 3), value);  // 0xCC to 0xCF and 0xD0 to 0xD3: 1, 2, 4, 8 bytes
}

bool MsgpackReader::signed_integer(std::int64_t& value) {
  std::uint64_t bits = 0;
  if (next() == MsgpackType::unsigned_integer) {
    if (!unsigned_integer(bits) || bits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return false;
    value = static_cast<std::int64_t>(bits);
    return true;
  }
  if (next() != MsgpackType::negative_integer) return false;
  unsigned char first = 0;
  tag(first);
  value = static_cast<std::int8_t>(first);
  if (first >= 0xE0) return true;
  const std::size_t width = std::size_t{1} << (first & 3);
  if (!big_endian(width, bits)) return false;
  if (width < 8) bits |= ~std::uint64_t{0} << (8 * width);
  value = static_cast<std::int64_t>(bits);
  return true;
}

bool MsgpackReader::real(double& value) {
  const MsgpackType type = next();
  if (type == MsgpackType::unsigned_integer || type == MsgpackType::negative_integer) {
    std::int64_t whole = 0;
    if (!signed_integer(whole)) return false;
    value = static_cast<double>(whole);
    return true;
  }
  unsigned char first = 0;
  std::uint64_t bits = 0;
  if (type != MsgpackType::real || !tag(first) || !big_endian(first == 0xCA ? 4 : 8, bits)) return false;
  value = first == 0xCA ? std::bit_cast<float>(static_cast<std::uint32_t>(bits)) : std::bit_cast<double>(bits);
  return true;
}

bool MsgpackReader::text(std::string_view& value) {
  unsigned char first = 0;
  if (next() != MsgpackType::text || !tag(first)) return false;
  std::uint64_t size = first & 0x1F;
  if (first >= 0xD9 && !big_endian(std::size_t{1} << (first - 0xD9), size)) return false;
  return take(size, value);
}

bool MsgpackReader::bytes(std::string_view& value) {
  unsigned char first = 0;
  std::uint64_t size = 0;
  if (next() != MsgpackType::bytes || !tag(first)) return false;
  return big_endian(std::size_t{1} << (first - 0xC4), size) && take(size, value);
}

bool MsgpackReader::array(std::uint32_t& elements) {
  unsigned char first = 0;
  if (next() != MsgpackType::array || !tag(first)) return false;
  std::uint64_t size = first & 0x0F;
  if (first >= 0xDC && !big_endian(first == 0xDC ? 2 : 4, size)) return false;
  elements = static_cast<std::uint32_t>(size);
  return size <= bytes_.size() - at_;
}

bool MsgpackReader::map(std::uint32_t& pairs) {
  unsigned char first = 0;
  if (next() != MsgpackType::map || !tag(first)) return false;
  std::uint64_t size = first & 0x0F;
  if (first >= 0xDE && !big_endian(first == 0xDE ? 2 : 4, size)) return false;
  pairs = static_cast<std::uint32_t>(size);
  return size <= (bytes_.size() - at_) / 2;
}

bool MsgpackReader::skip(std::uint32_t depth) {
  bool flag = false;
  std::uint32_t elements = 0;
  std::uint64_t size = 0;
  std::string_view view;
  unsigned char first = 0;
  switch (next()) {
    case MsgpackType::nil:
      return tag(first);
    case MsgpackType::boolean:
      return boolean(flag);
    case MsgpackType::unsigned_integer:
      return unsigned_integer(size);
    case MsgpackType::negative_integer: {
      std::int64_t negative = 0;
      return signed_integer(negative);
    }
    case MsgpackType::real: {
      double number = 0;
      return real(number);
    }
    case MsgpackType::text:
      return text(view);
    case MsgpackType::bytes:
      return bytes(view);
    case MsgpackType::extension:
      tag(first);
      size = std::uint64_t{1} << ((first & 7) ^ 4);  // 0xD4 to 0xD8: 1, 2, 4, 8, 16 bytes
      if (first <= 0xC9 && !big_endian(std::size_t{1} << (first - 0xC7), size)) return false;
      return take(size + 1, view);  // and a byte for its type
    case MsgpackType::array:
    case MsgpackType::map: {
      const bool pairs = next() == MsgpackType::map;
      if (depth == 0 || !(pairs ? map(elements) : array(elements))) return false;
      for (std::uint64_t left = std::uint64_t{elements} << (pairs ? 1 : 0); left > 0; --left) {
        if (!skip(depth - 1)) return false;
      }
      return true;
    }
    case MsgpackType::invalid:
      break;
  }
  return false;
}

}  // namespace stint::wire
