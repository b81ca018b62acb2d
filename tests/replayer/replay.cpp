#include "tests/replayer/replay.hpp"

#include <algorithm>

#include "tests/replayer/described.hpp"

namespace stint::replay {
namespace {

using broker::record::Output;
using broker::record::output_of;

std::vector<Output> outputs_of(const std::vector<broker::Action>& actions) {
  std::vector<Output> outputs;
  outputs.reserve(actions.size());
  for (const broker::Action& action : actions) outputs.push_back(output_of(action));
  return outputs;
}

}  // namespace

std::optional<std::string> Replay::run() {
  while (recording_.next(record_)) {
    if (auto difference = step()) return difference;
  }
  return std::nullopt;
}

std::optional<std::string> Replay::step() {
  if (say) say("record " + std::to_string(record_.number) + ": " + described(record_.input));
  ++inputs_;
  tell(core_, record_.input, out_);
  core_.check_invariants();
  const std::vector<broker::Action> actions = out_.take();
  note(actions);
  if (!record_.returned) return "record " + std::to_string(record_.number) + " broke a promise when it was recorded, and does not now";
  if (outputs_of(actions) == record_.outputs) return std::nullopt;
  ++differing_;
  return outputs_matter ? std::optional(difference(actions)) : std::nullopt;
}

void Replay::note(const std::vector<broker::Action>& actions) {
  outputs_ += actions.size();
  for (const broker::Action& action : actions) {
    if (say) say("    " + described(action));
    const auto* log = std::get_if<broker::Log>(&action);
    if (log != nullptr && log->text.starts_with("job ") && log->text.find(" ended: ") != std::string::npos) {
      endings_.push_back(log->text);
    }
  }
}

std::string Replay::difference(const std::vector<broker::Action>& actions) const {
  const std::vector<Output> actual = outputs_of(actions);
  const std::vector<Output>& expected = record_.outputs;
  const auto [a, b] = std::mismatch(expected.begin(), expected.end(), actual.begin(), actual.end());
  const auto at = static_cast<std::size_t>(a - expected.begin());
  std::string text = "record " + std::to_string(record_.number) + ", at byte " + std::to_string(record_.at) + ": " + described(record_.input);
  text += "\n  output " + std::to_string(at + 1) + " of " + std::to_string(expected.size()) + " differs";
  text += "\n  expected: " + (at < expected.size() ? described(expected[at]) : "none, but " + std::to_string(actual.size()) + " came");
  text += "\n  actual:   " + (at < actual.size() ? described(actual[at]) + "  " + described(actions[at])
                                                : "none, only " + std::to_string(actual.size()) + " came");
  return text;
}

}  // namespace stint::replay
