#include "tests/replayer/forged.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "common/model/digest.hpp"
#include "tests/replayer/reader.hpp"

namespace stint::replay {
namespace {

// CRC32C, byte by byte: bits reflected, polynomial 0x1EDC6F41.
constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t rest = i;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0x82F63B78U : 0);
    table[i] = rest;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kTable = make_table();

constexpr std::uint32_t forward(std::uint32_t crc, std::uint8_t byte) {
  return crc >> 8 ^ kTable[(crc ^ byte) & 0xFF];
}

// What the register was before a zero byte made it `crc`: the top byte of each entry of the table is its own.
std::uint32_t back(std::uint32_t crc) {
  const auto at = std::find_if(kTable.begin(), kTable.end(), [&](std::uint32_t entry) { return entry >> 24 == crc >> 24; });
  return (crc ^ *at) << 8 | static_cast<std::uint32_t>(at - kTable.begin());
}

// The register behind the size and so many zero bytes. Long payloads of one size are common.
std::uint32_t behind_zeros(std::uint32_t size, std::uint32_t zeros) {
  static std::unordered_map<std::uint32_t, std::uint32_t> known;
  constexpr std::size_t kMostKnown = 100'000;
  const auto at = known.find(size);
  if (at != known.end()) return at->second;
  std::uint32_t crc = ~0U;
  for (int shift = 0; shift < 32; shift += 8) crc = forward(crc, static_cast<std::uint8_t>(size >> shift));
  for (std::uint32_t i = 0; i < zeros; ++i) crc = forward(crc, 0);
  if (known.size() < kMostKnown) known.emplace(size, crc);
  return crc;
}

}  // namespace

// Zeros, and at the end the four bytes that lead to the checksum. Fewer bytes than four are what they were.
std::string forged(std::uint32_t size, std::uint32_t checksum) {
  const std::uint32_t free = std::min(size, 4U);
  const std::uint32_t before = behind_zeros(size, size - free);
  std::uint32_t wanted = ~checksum;
  for (std::uint32_t i = 0; i < free; ++i) wanted = back(wanted);
  const std::uint32_t last = before ^ wanted;
  std::string payload(size, '\0');
  for (std::uint32_t i = 0; i < free; ++i) payload[size - free + i] = static_cast<char>(last >> (8 * i));
  Digest digest;
  digest.add(payload);
  if (digest.value() != checksum) {
    throw RefusedRecording("no payload of " + std::to_string(size) + " bytes has the checksum that it names");
  }
  return payload;
}

}  // namespace stint::replay
