// How a recording lies in its file. All numbers are little-endian.
//
//   file    = "STINTREC" format(u32) record*
//   record  = size(u32) check(u32) body(size bytes) checksum(u32)
//
// `check` is over the record's number (u64, from 0) and its size, `checksum` over its body: no changed byte goes unseen, and a file
// that breaks off, because its broker was killed, is told from one that is damaged. The body begins with a tag:
//
//   'h'  the first: Stint's version, then the options of the core, each by its name
//   'z'  the last: why the recording ends; missing when the broker was killed
//   else an input by its tag (broker/core/inputs.hpp) with its fields, a byte that says whether the core returned, and if so its
//        outputs: their number, and for each its kind and a checksum
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/core/options.hpp"
#include "broker/core/outbox.hpp"
#include "broker/record/fields.hpp"
#include "common/model/digest.hpp"

namespace stint::broker::record {

constexpr std::string_view kMagic = "STINTREC";
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kFileHeadBytes = 12;
constexpr std::size_t kRecordHeadBytes = 8;
constexpr std::size_t kRecordTailBytes = 4;
constexpr char kHeadTag = 'h';
constexpr char kEndTag = 'z';

// The options of the core by the names that recordings know them by, in the order of their fields.
constexpr std::array<std::string_view, 15> kOptionNames{
    "store",      "epoch",          "random",           "durable",       "first_lease", "heartbeat_ns", "liveness", "writer_grace_ns", "progress_ns",
    "held_bytes", "held_job_bytes", "read_ahead_bytes", "backlog_bytes", "keep_bytes",  "kept_jobs"};
static_assert(kOptionNames.size() == field_count<Options>, "name the option that was added");

std::uint32_t check_of(std::uint64_t record, std::uint32_t size);
std::uint32_t checksum_of(std::string_view bytes);

// What a recording keeps of one action: what it was, and a checksum over all of it.
struct Output {
  std::uint8_t kind = 0;  // of a message its number on the wire
  std::uint32_t checksum = 0;
  friend bool operator==(const Output&, const Output&) = default;
};
constexpr std::uint8_t kEventKind = 200;
constexpr std::uint8_t kLogKind = 201;
constexpr std::uint8_t kFinishedKind = 202;
constexpr std::uint8_t kOtherKind = 203;
constexpr std::uint8_t kStoreKind = 210;  // and which change it is

Output output_of(const Action& action);

}  // namespace stint::broker::record
