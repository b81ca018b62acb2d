#include "tests/replayer/recording.hpp"

#include "common/model/escape.hpp"

namespace stint::replay {
namespace {

namespace record = broker::record;

std::string read_bytes(std::istream& stream, std::size_t count) {
  std::string bytes(count, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

// The input with this tag, of all that there are; false: there is none.
template <class... Each>
bool read_input(std::uint8_t tag, Reader& reader, std::variant<Each...>& input) {
  return ((tag == static_cast<std::uint8_t>(Each::kTag) && (input = reader.get<Each>(), true)) || ...);
}

}  // namespace

Recording::Recording(std::istream& stream) : stream_(stream) {
  read_file_head();
  read_options();
}

void Recording::refuse(const std::string& why) const {
  throw RefusedRecording("record " + std::to_string(number_) + ", at byte " + std::to_string(at_) + ": " + why);
}

void Recording::read_file_head() {
  const std::string head = read_bytes(stream_, record::kFileHeadBytes);
  if (!head.starts_with(record::kMagic)) {
    throw RefusedRecording("this is no recording of stint-broker: it does not begin with " + std::string(record::kMagic));
  }
  if (head.size() < record::kFileHeadBytes) throw RefusedRecording("it ends after " + std::to_string(head.size()) + " bytes");
  Reader format(std::string_view(head).substr(record::kMagic.size()));
  const std::uint32_t number = format.get_fixed32();
  if (number != record::kFormat) {
    throw RefusedRecording("byte " + std::to_string(record::kMagic.size()) + ": it has format " + std::to_string(number) +
                           ", this program reads format " + std::to_string(record::kFormat));
  }
  at_ = record::kFileHeadBytes;
}

void Recording::read_options() {
  std::string body;
  if (!read_body(body)) throw RefusedRecording("it ends before its options");
  try {
    Reader reader(body);
    if (reader.get_byte() != static_cast<std::uint8_t>(record::kHeadTag)) throw RefusedRecording("the first record is not the head");
    version_ = reader.get<std::string>();
    for (auto left = reader.get<std::uint64_t>(); left > 0; --left) {
      const auto name = reader.get<std::string>();
      const auto bytes = reader.get<std::string>();
      std::size_t i = 0;
      record::for_each_field(options_, [&]<class Field>(Field& field) {
        if (record::kOptionNames.at(i++) == name) field = Reader(bytes).get<Field>();
      });
    }
  } catch (const RefusedRecording& error) {
    refuse(error.what());
  }
  ++number_;
  at_ = next_at_;
}

bool Recording::breaks_off() {
  ending_ = "it breaks off within record " + std::to_string(number_) + ", at byte " + std::to_string(at_) + ": its broker was killed";
  return false;
}

bool Recording::read_body(std::string& body) {
  const std::string head = read_bytes(stream_, record::kRecordHeadBytes);
  if (head.size() < record::kRecordHeadBytes) return breaks_off();
  Reader fixed(head);
  const std::uint32_t size = fixed.get_fixed32();
  if (fixed.get_fixed32() != record::check_of(number_, size)) refuse("it is damaged: its size does not agree with its check");
  body = read_bytes(stream_, size + record::kRecordTailBytes);
  if (body.size() < size + record::kRecordTailBytes) return breaks_off();
  Reader tail(std::string_view(body).substr(size));
  if (tail.get_fixed32() != record::checksum_of(std::string_view(body).substr(0, size))) {
    refuse("it is damaged: its content does not agree with its checksum");
  }
  body.resize(size);
  next_at_ = at_ + record::kRecordHeadBytes + size + record::kRecordTailBytes;
  return true;
}

bool Recording::next(Record& record) {
  if (!ending_.empty()) return false;
  std::string body;
  if (!read_body(body)) return false;
  try {
    if (!body.empty() && body.front() == record::kEndTag) {
      ending_ = Reader(std::string_view(body).substr(1)).get<std::string>();
      if (stream_.peek() != std::istream::traits_type::eof()) throw RefusedRecording("more follows, although it is the last");
      return false;
    }
    parse(body, record);
  } catch (const RefusedRecording& error) {
    refuse(error.what());
  }
  ++number_;
  at_ = next_at_;
  return true;
}

void Recording::parse(std::string_view body, Record& record) {
  Reader reader(body, time_);
  const std::uint8_t tag = reader.get_byte();
  if (!read_input(tag, reader, record.input)) {
    throw RefusedRecording("it is an input '" + escaped(std::string(1, static_cast<char>(tag))) +
                           "' that this program does not know: another version of Stint wrote it");
  }
  record.number = number_;
  record.at = at_;
  record.returned = reader.get_byte() == 1;
  record.outputs.clear();
  if (record.returned) {
    for (auto left = reader.get<std::uint64_t>(); left > 0; --left) {
      const std::uint8_t kind = reader.get_byte();
      record.outputs.push_back({kind, reader.get_fixed32()});
    }
  }
  if (!reader.done()) throw RefusedRecording("it is longer than what it says: another version of Stint wrote it");
  time_ = reader.time();
}

}  // namespace stint::replay
