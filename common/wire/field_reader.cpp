#include "common/wire/field_reader.hpp"

#include <cmath>

#include "common/model/utf8.hpp"

namespace stint::wire {

FieldReader::FieldReader(std::string_view body, Blob blob, DecodeError& error) : error_(error), blob_(std::move(blob)) {
  MsgpackReader at(body);
  look_through(at, limits::kMaxBodyDepth);
  if (good() && !at.at_end()) refuse(ErrorCode::malformed, "", "bytes follow behind the body");
}

FieldReader::FieldReader(MsgpackReader& at, DecodeError& error, std::uint32_t depth) : error_(error) {
  look_through(at, depth);
}

void FieldReader::look_through(MsgpackReader& at, std::uint32_t depth) {
  std::uint32_t fields = 0;
  if (!at.map(fields)) return refuse(ErrorCode::malformed, "", "a msgpack map is expected");
  if (fields > limits::kMaxBodyFields) {
    return refuse(
        ErrorCode::malformed, "",
        "a map has " + std::to_string(fields) + " fields, the limit is " + std::to_string(limits::kMaxBodyFields),
        limits::kMaxBodyFields);
  }
  while (count_ < fields) {
    std::string_view key;
    if (!at.text(key) || !is_utf8(key)) return refuse(ErrorCode::malformed, "", "a field's name is no text");
    if (is_doubled(key)) return refuse(ErrorCode::malformed, key, "it is there twice");
    entries_[count_] = {key, at};
    ++count_;
    if (!at.skip(depth - 1))
      return refuse(ErrorCode::malformed, key, "its value is cut short, nested too deep or no msgpack");
  }
}

bool FieldReader::is_doubled(std::string_view key) const {
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (entries_[i].key == key) return true;
  }
  return false;
}

MsgpackReader* FieldReader::find(std::string_view key) {
  if (!good()) return nullptr;
  for (std::uint32_t i = 0; i < count_; ++i) {
    Entry& entry = entries_[next_ + i < count_ ? next_ + i : next_ + i - count_];
    if (entry.key != key) continue;
    next_ = static_cast<std::uint32_t>(&entry - entries_.data() + 1);
    return &entry.value;
  }
  return nullptr;
}

void FieldReader::refuse(ErrorCode code, std::string_view key, std::string what, std::uint64_t expected) {
  if (!good()) return;
  error_.code = code;
  error_.expected = expected;
  error_.text =
      key.empty() ? std::move(what) : "field \"" + clean_utf8(key, limits::kMaxNameBytes) + "\": " + std::move(what);
}

void FieldReader::expects(std::string_view key, std::string what, std::uint64_t expected) {
  refuse(ErrorCode::malformed, key, std::move(what) + " is expected", expected);
}

void FieldReader::finish() {
  if (!blob_.empty()) refuse(ErrorCode::malformed, "", "a second frame came with a message that has none");
}

// --- single values
// -----------------------------------------------------------------------------------------------------------

void FieldReader::integer(std::string_view key, std::int32_t& value) {
  value = 0;
  MsgpackReader* at = find(key);
  if (at == nullptr) return;
  std::int64_t read = 0;
  constexpr std::int64_t kMin = std::numeric_limits<std::int32_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
  if (!at->signed_integer(read) || read < kMin || read > kMax)
    return expects(key, "a whole number of 32 bits with a sign");
  value = static_cast<std::int32_t>(read);
}

void FieldReader::milliseconds(std::string_view key, std::chrono::milliseconds& value, std::uint32_t fallback) {
  std::uint32_t count = 0;
  number(key, count, fallback);
  value = std::chrono::milliseconds(count);
}

void FieldReader::flag(std::string_view key, bool& value, bool fallback) {
  value = fallback;
  MsgpackReader* at = find(key);
  if (at != nullptr && !at->boolean(value)) expects(key, "true or false");
}

void FieldReader::fraction(std::string_view key, double& value) {
  value = 0;
  MsgpackReader* at = find(key);
  if (at != nullptr && !(at->real(value) && value >= 0 && value <= 1)) expects(key, "a number from 0 to 1");
}

bool FieldReader::utf8(std::string_view key, MsgpackReader& at, std::string_view& value, std::uint32_t limit) {
  if (!at.text(value)) return expects(key, "text"), false;
  if (value.size() > limit) {
    refuse(ErrorCode::bad_value, key,
           "it has " + std::to_string(value.size()) + " bytes, the limit is " + std::to_string(limit), limit);
    return false;
  }
  if (!is_utf8(value)) return expects(key, "text in UTF-8"), false;
  return true;
}

void FieldReader::name(std::string_view key, std::string& value) {
  MsgpackReader* at = find(key);
  std::string_view read;
  if (at != nullptr && utf8(key, *at, read, limits::kMaxNameBytes)) value = read;
}

void FieldReader::text(std::string_view key, std::string& value) {
  MsgpackReader* at = find(key);
  std::string_view read;
  if (at != nullptr && utf8(key, *at, read, limits::kMaxTextBytes)) value = read;
}

void FieldReader::bytes(std::string_view key, std::string& value, std::uint64_t limit) {
  MsgpackReader* at = find(key);
  if (at == nullptr) return;
  std::string_view read;
  if (!at->bytes(read)) return expects(key, "a byte string (msgpack bin)");
  if (read.size() > limit) {
    return refuse(ErrorCode::bad_value, key,
                  "it has " + std::to_string(read.size()) + " bytes, the limit is " + std::to_string(limit), limit);
  }
  value = read;
}

// --- lists
// -------------------------------------------------------------------------------------------------------------------

bool FieldReader::array(std::string_view key, MsgpackReader& at, std::uint32_t& count, std::uint32_t limit) {
  if (!at.array(count)) return expects(key, "an array"), false;
  if (count <= limit) return true;
  refuse(ErrorCode::bad_value, key,
         "it has " + std::to_string(count) + " elements, the limit is " + std::to_string(limit), limit);
  return false;
}

void FieldReader::names(std::string_view key, std::vector<std::string>& values, std::uint32_t limit) {
  MsgpackReader* at = find(key);
  std::uint32_t count = 0;
  if (at == nullptr || !array(key, *at, count, limit)) return;
  std::string_view read;
  for (std::uint32_t i = 0; i < count && utf8(key, *at, read, limits::kMaxNameBytes); ++i) values.emplace_back(read);
}

// Runs are parts of one lease, and so have no more tasks than one message.
void FieldReader::runs(std::string_view key, std::vector<Run>& runs) {
  MsgpackReader* at = find(key);
  std::uint32_t count = 0;
  if (at == nullptr || !array(key, *at, count, limits::kMaxBodyElements)) return;
  if (count % 2 != 0) return expects(key, "an even number of elements: first, count, first, count ...");
  std::uint64_t left = limits::kMaxBatchTasks;
  for (std::uint32_t i = 0; i < count; i += 2) {
    Run run;
    if (!at->unsigned_integer(run.first) || !at->unsigned_integer(run.count))
      return expects(key, "an array of whole numbers");
    if (run.count == 0 || run.count > left || run.first > std::numeric_limits<Index>::max() - run.count) {
      return refuse(ErrorCode::malformed, key, "a run is empty, or has more tasks than a lease can hold",
                    limits::kMaxBatchTasks);
    }
    left -= run.count;
    runs.push_back(run);
  }
}

// --- rows
// --------------------------------------------------------------------------------------------------------------------

void FieldReader::row(std::string_view key, Row& row) {
  if (MsgpackReader* at = find(key)) read_row(key, *at, row, limits::kMaxBodyDepth - 1);
}

void FieldReader::rows(std::string_view key, std::vector<Row>& rows, std::uint32_t limit) {
  MsgpackReader* at = find(key);
  std::uint32_t count = 0;
  if (at == nullptr || !array(key, *at, count, limit)) return;
  for (std::uint32_t i = 0; i < count && good(); ++i)
    read_row(key, *at, rows.emplace_back(), limits::kMaxBodyDepth - 2);
}

void FieldReader::read_row(std::string_view key, MsgpackReader& at, Row& row, std::uint32_t depth) {
  FieldReader fields(at, error_, depth);
  for (std::uint32_t i = 0; i < fields.count_ && good(); ++i) {
    Value read;
    if (value(key, fields.entries_[i].value, read)) row.set(fields.entries_[i].key, std::move(read));
  }
}

bool FieldReader::value(std::string_view key, MsgpackReader& at, Value& value) {
  std::string_view text;
  std::uint32_t count = 0;
  switch (at.next()) {
    case MsgpackType::boolean:
      return at.boolean(value.emplace<bool>());
    case MsgpackType::unsigned_integer:
      return at.unsigned_integer(value.emplace<std::uint64_t>());
    case MsgpackType::negative_integer:
      return at.signed_integer(value.emplace<std::int64_t>());
    case MsgpackType::real:
      if (at.real(value.emplace<double>()) && std::isfinite(std::get<double>(value))) return true;
      break;
    case MsgpackType::text:
      if (!utf8(key, at, text, limits::kMaxTextBytes)) return false;
      value = std::string(text);
      return true;
    case MsgpackType::array: {
      if (!array(key, at, count, limits::kMaxBodyElements)) return false;
      auto& texts = value.emplace<std::vector<std::string>>();
      for (std::uint32_t i = 0; i < count; ++i) {
        if (!utf8(key, at, text, limits::kMaxTextBytes)) return false;
        texts.emplace_back(text);
      }
      return true;
    }
    default:
      break;
  }
  expects(key, "a flag, a number, text or an array of texts as each value");
  return false;
}

}  // namespace stint::wire
