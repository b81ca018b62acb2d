#include <array>

#include "common/wire/codec.hpp"
#include "common/wire/field_reader.hpp"
#include "common/wire/fields.hpp"
#include "common/wire/header.hpp"
#include "common/model/utf8.hpp"

namespace stint {
namespace {

template <class M>
bool read(std::string_view body, Blob blob, M& message, DecodeError& error) {
  wire::FieldReader field(body, std::move(blob), error);
  wire::Fields<M>::visit(field, message);
  field.finish();
  if (field.good()) return true;
  error.text.insert(0, std::string(wire::Fields<M>::kName) + ": ");
  if constexpr (requires { message.req; }) error.req = message.req;
  if constexpr (requires { message.job; }) error.job = message.job;
  return false;
}

template <class M>
bool read_into(std::string_view body, Blob blob, Message& message, DecodeError& error) {
  return read(body, std::move(blob), message.emplace<M>(), error);
}

using Reader = bool (*)(std::string_view, Blob, Message&, DecodeError&);

// The reader of each message by its number, made from the list of messages.
template <class... M>
constexpr std::array<Reader, 256> readers_of(const std::variant<M...>*) {
  std::array<Reader, 256> readers{};
  ((readers[static_cast<std::size_t>(wire::Fields<M>::kType)] = &read_into<M>), ...);
  return readers;
}

constexpr std::array<Reader, 256> kReaders = readers_of(static_cast<const Message*>(nullptr));

void refuse_type(const wire::Header& header, DecodeError& error) {
  error.code = ErrorCode::unknown_message;
  error.expected = kProtocolMajor;
  error.text = "no message of protocol version " + std::to_string(kProtocolMajor) + " has the number " +
               std::to_string(header.type) + " here; the sender speaks version " + std::to_string(header.major);
}

}  // namespace

Decoded decode(std::string_view head, Blob blob) {
  DecodeError error;
  wire::Header header;
  if (wire::has_bad_header(head, header, error)) return error;
  const Reader reader = kReaders[header.type];
  if (reader == nullptr) return refuse_type(header, error), error;
  Decoded decoded(std::in_place_type<Envelope>);
  auto& envelope = std::get<Envelope>(decoded);
  envelope.session = header.session;
  envelope.seq = header.seq;
  if (!reader(head.substr(wire::kHeaderBytes), std::move(blob), envelope.message, error)) return error;
  return decoded;
}

std::variant<Event, DecodeError> decode_event(std::string_view topic, std::string_view head) {
  DecodeError error;
  wire::Header header;
  if (wire::has_bad_header(head, header, error)) return error;
  if (header.type != static_cast<std::uint8_t>(MessageType::event)) return refuse_type(header, error), error;
  Event event;
  if (topic.size() > limits::kMaxTopicBytes || !is_utf8(topic)) {
    error.text = "EVENT: the topic is no text of up to " + std::to_string(limits::kMaxTopicBytes) + " bytes";
    return error;
  }
  event.topic = topic;
  if (!read(head.substr(wire::kHeaderBytes), Blob(), event, error)) return error;
  return event;
}

}  // namespace stint
