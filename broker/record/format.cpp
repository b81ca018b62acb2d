#include "broker/record/format.hpp"

#include <type_traits>
#include <variant>

#include "broker/record/writer.hpp"
#include "common/wire/codec.hpp"

namespace stint::broker::record {
namespace {

Output of(const Send& send) {
  Writer to;
  to.put(send.to);
  const Frames frames = encode(send.envelope);
  Digest digest;
  digest.add(to.bytes());
  digest.add(frames.head);
  digest.add(frames.blob.view());
  return {static_cast<std::uint8_t>(type_of(send.envelope.message)), digest.value()};
}

Output of(const Publish& publish) {
  Digest digest;
  digest.add(publish.event.topic);
  digest.add(encode_event(publish.event));
  return {kEventKind, digest.value()};
}

Output of(const Store& store) {
  Writer change;
  change.put(store);
  return {static_cast<std::uint8_t>(kStoreKind + store.change.index()), checksum_of(change.bytes())};
}

Output of(const Log& log) {
  Writer line;
  line.put(log);
  return {kLogKind, checksum_of(line.bytes())};
}

Output of(const Finished&) { return {kFinishedKind, 0}; }

// What the core may come to want besides.
template <class Other>
Output of(const Other& other) {
  Writer all;
  all.put(other);
  return {kOtherKind, checksum_of(all.bytes())};
}

}  // namespace

std::uint32_t check_of(std::uint64_t record, std::uint32_t size) {
  Writer both;
  both.put_fixed(record);
  both.put_fixed(size);
  return checksum_of(both.bytes());
}

std::uint32_t checksum_of(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.value();
}

Output output_of(const Action& action) {
  return std::visit([](const auto& each) { return of(each); }, action);
}

}  // namespace stint::broker::record
