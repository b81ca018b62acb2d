#include "common/wire/field_writer.hpp"

#include <cmath>
#include <limits>

#include "common/model/little_endian.hpp"

namespace stint::wire {

// The map's head was kept free for a short map; only a message of more than 15 fields has to make room for a longer
// one.
void FieldWriter::finish() {
  if (count_ <= 15) {
    out_[map_at_] = static_cast<char>(0x80 | count_);
    return;
  }
  const char size[] = {static_cast<char>(count_ >> 8), static_cast<char>(count_)};
  out_[map_at_] = '\xDE';
  out_.insert(map_at_ + 1, size, sizeof size);
}

void FieldWriter::write_text(std::string_view text) {
  pack_.pack_str(static_cast<std::uint32_t>(text.size()));
  pack_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

void FieldWriter::integer(std::string_view key, std::int32_t value) {
  if (value == 0) return;
  write_key(key);
  pack_.pack_int64(value);
}

void FieldWriter::milliseconds(std::string_view key, std::chrono::milliseconds value, std::uint32_t fallback) {
  const auto count = std::clamp<std::int64_t>(value.count(), 0, std::numeric_limits<std::uint32_t>::max());
  number(key, static_cast<std::uint32_t>(count), fallback);
}

void FieldWriter::flag(std::string_view key, bool value, bool fallback) {
  if (value == fallback) return;
  write_key(key);
  value ? pack_.pack_true() : pack_.pack_false();
}

void FieldWriter::fraction(std::string_view key, double value) {
  if (!(value > 0)) return;  // also what is no number
  write_key(key);
  pack_.pack_double(std::min(value, 1.0));
}

void FieldWriter::name(std::string_view key, const std::string& value) {
  if (value.empty()) return;
  write_key(key);
  write_text(value);
}

void FieldWriter::text(std::string_view key, const std::string& value) {
  if (value.empty()) return;
  write_key(key);
  write_text(is_utf8(value) && value.size() <= limits::kMaxTextBytes ? std::string_view(value) : clean_text(value));
}

void FieldWriter::bytes(std::string_view key, std::string_view value, std::uint64_t) {
  if (value.empty()) return;
  write_key(key);
  pack_.pack_bin(static_cast<std::uint32_t>(value.size()));
  pack_.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
}

void FieldWriter::names(std::string_view key, const std::vector<std::string>& values, std::uint32_t) {
  if (values.empty()) return;
  write_key(key);
  pack_.pack_array(static_cast<std::uint32_t>(values.size()));
  for (const std::string& value : values) write_text(value);
}

void FieldWriter::runs(std::string_view key, const std::vector<Run>& runs) {
  if (runs.empty()) return;
  write_key(key);
  pack_.pack_array(static_cast<std::uint32_t>(runs.size() * 2));
  for (const Run& run : runs) {
    pack_.pack_uint64(run.first);
    pack_.pack_uint64(run.count);
  }
}

void FieldWriter::row(std::string_view key, const Row& row) {
  if (row.fields().empty()) return;
  write_key(key);
  write_row(row);
}

void FieldWriter::rows(std::string_view key, const std::vector<Row>& rows, std::uint32_t) {
  if (rows.empty()) return;
  write_key(key);
  pack_.pack_array(static_cast<std::uint32_t>(rows.size()));
  for (const Row& row : rows) write_row(row);
}

void FieldWriter::write_row(const Row& row) {
  pack_.pack_map(static_cast<std::uint32_t>(row.fields().size()));
  for (const auto& [name, value] : row.fields()) {
    write_text(name);
    write_value(value);
  }
}

void FieldWriter::write_value(const Value& value) {
  struct Writer {
    FieldWriter& self;
    void operator()(bool flag) const { flag ? self.pack_.pack_true() : self.pack_.pack_false(); }
    void operator()(std::int64_t number) const { self.pack_.pack_int64(number); }
    void operator()(std::uint64_t number) const { self.pack_.pack_uint64(number); }
    void operator()(double number) const { self.pack_.pack_double(std::isfinite(number) ? number : 0.0); }
    void operator()(const std::string& text) const { self.write_text(clean_text(text)); }
    void operator()(const std::vector<std::string>& texts) const {
      self.pack_.pack_array(static_cast<std::uint32_t>(texts.size()));
      for (const std::string& text : texts) (*this)(text);
    }
  };
  std::visit(Writer{*this}, value);
}

void FieldWriter::sizes(std::string_view key, const Sizes& sizes) {
  if (sizes.is_uniform()) {
    number(key, sizes.uniform_size());
  } else {
    bytes(key, sizes.table().view());
  }
}

void FieldWriter::batch(const Batch& batch) {
  number("n", batch.count());
  sizes("sizes", batch.sizes);
  blob_ = batch.blob;
}

void FieldWriter::indices(const Indices& indices, std::uint32_t) {
  if (indices.is_run()) return number("first", indices.run().first);
  std::string table;
  table.reserve(indices.table().size() * 8);
  for (Index index : indices.table()) append_u64(table, index);
  bytes("indices", table);
}

void FieldWriter::outcomes(const Outcomes& outcomes) {
  number("n", outcomes.count());
  indices(outcomes.indices, outcomes.count());
  sizes("sizes", outcomes.sizes);
  sizes("err_sizes", outcomes.error_sizes);
  bytes("us", outcomes.micros.view());
  std::string table;
  for (const NotDone& failure : outcomes.not_done) {
    append_u32(table, failure.position);
    append_u32(table, static_cast<std::uint32_t>(failure.code));
    append_u32(table, static_cast<std::uint32_t>(failure.exit));
    append_u32(table, static_cast<std::uint32_t>(failure.signal));
  }
  bytes("not_done", table);
  blob_ = outcomes.blob;
}

}  // namespace stint::wire
