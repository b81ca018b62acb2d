#include "tests/replayer/described.hpp"

#include <cstdio>

#include "common/model/escape.hpp"
#include "common/wire/fields.hpp"
#include "tests/sim/trace.hpp"

namespace stint::replay {
namespace {

using broker::record::Output;

std::string number(auto value) { return std::to_string(value); }
std::string peer(PeerId id) { return "peer " + number(value(id)); }

std::string message(const Envelope& envelope) { return escaped(sim::described(envelope)); }

std::string more(const broker::input::Step& step) { return " from " + peer(step.from) + ": " + message(step.envelope); }
std::string more(const broker::input::Refused& refused) {
  return " from " + peer(refused.from) + ": " + escaped(refused.error.text);
}
std::string more(const broker::input::Unreachable& unreachable) { return ": " + peer(unreachable.peer); }
std::string more(const broker::input::Committed& committed) {
  return " up to " + number(static_cast<std::uint64_t>(committed.upto));
}
std::string more(const broker::input::Restored& restored) { return ": " + number(restored.found.jobs.size()) + " jobs"; }
std::string more(const broker::input::Fetched& fetched) { return ": " + escaped(sim::described(fetched.fetched)); }
std::string more(const broker::input::StoreFull& full) { return ": " + escaped(full.reason); }
std::string more(const broker::input::Subscribed& subscribed) {
  return (subscribed.on ? " to " : " no more to ") + escaped(subscribed.topic);
}
std::string more(const auto&) { return {}; }

std::string text(const broker::Send& send) { return "to " + peer(send.to) + ": " + message(send.envelope); }
std::string text(const broker::Publish& publish) { return "event: " + escaped(sim::described(publish.event)); }
std::string text(const broker::Store& store) {
  return "change " + number(static_cast<std::uint64_t>(store.commit)) + " for the store, of sort " + number(store.change.index());
}
std::string text(const broker::Log& log) { return "log: " + log.text; }
std::string text(const broker::Finished&) { return "finished"; }
std::string text(const auto&) { return "another action"; }

template <class... M>
std::string_view name_of(std::uint8_t type, const std::variant<M...>*) {
  std::string_view name;
  ((static_cast<std::uint8_t>(wire::Fields<M>::kType) == type && (name = wire::Fields<M>::kName, true)) || ...);
  return name;
}

std::string sort_of(std::uint8_t kind) {
  using namespace broker::record;  // NOLINT(google-build-using-namespace): the kinds of outputs
  if (kind == kEventKind) return "event";
  if (kind == kLogKind) return "log";
  if (kind == kFinishedKind) return "finished";
  if (kind == kOtherKind) return "another action";
  if (kind >= kStoreKind) return "change for the store, of sort " + number(kind - kStoreKind);
  return std::string(name_of(kind, static_cast<const Message*>(nullptr)));
}

}  // namespace

std::string described(const broker::Input& input) {
  return std::visit([]<class Each>(const Each& each) { return std::string(Each::kName) + more(each); }, input);
}

std::string described(const broker::Action& action) {
  return std::visit([](const auto& each) { return text(each); }, action);
}

std::string described(const Output& output) {
  char checksum[16];
  std::snprintf(checksum, sizeof checksum, " #%08x", output.checksum);
  return sort_of(output.kind) + checksum;
}

}  // namespace stint::replay
