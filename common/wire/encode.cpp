#include "common/wire/codec.hpp"
#include "common/wire/field_writer.hpp"
#include "common/wire/fields.hpp"
#include "common/wire/header.hpp"

namespace stint {
namespace {

// Room for the fields of most messages; one with tables grows to what these need.
constexpr std::size_t kUsualHeadBytes = 192;

template <class M>
std::string head_of(SessionId session, std::uint32_t seq, const M& message, Blob* blob) {
  std::string head;
  head.reserve(kUsualHeadBytes);
  wire::write_header(head, wire::Fields<M>::kType, session, seq);
  wire::FieldWriter field(head);
  wire::Fields<M>::visit(field, message);
  field.finish();
  if (blob != nullptr) *blob = field.blob();
  return head;
}

}  // namespace

MessageType type_of(const Message& message) {
  return std::visit([]<class M>(const M&) { return wire::Fields<M>::kType; }, message);
}

Frames encode(const Envelope& envelope) {
  Frames frames;
  std::visit([&](const auto& message) { frames.head = head_of(envelope.session, envelope.seq, message, &frames.blob); },
             envelope.message);
  return frames;
}

std::string encode_event(const Event& event) { return head_of(SessionId{}, 0, event, nullptr); }

}  // namespace stint
