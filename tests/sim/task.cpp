#include "tests/sim/task.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "tests/sim/random.hpp"

namespace stint::sim {
namespace {

std::uint64_t hash(std::string_view text) {
  std::uint64_t value = text.size();
  while (!text.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(text.size(), sizeof(word));
    std::memcpy(&word, text.data(), size);
    value = scrambled(value ^ word);
    text.remove_prefix(size);
  }
  return value;
}

std::uint64_t number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + (end == text.data() + text.size() ? 0 : 1));
  return value;
}

}  // namespace

Behaviour Plan::behaviour(const Options& world, std::uint64_t index) const {
  if (parent != nullptr) return parent->behaviour(world, letters.at(index));
  if (killers.contains(index)) return Behaviour::killer;
  double at = static_cast<double>(scrambled(salt ^ index) >> 11) / 9007199254740992.0;  // 2^53
  const auto within = [&](double share) { return (at -= share) < 0; };
  if (options.time_limit > 0ms && within(world.hanging)) return Behaviour::hanging;
  if (options.time_limit > 0ms && within(world.stubborn)) return Behaviour::stubborn;
  if (within(world.rejected)) return Behaviour::rejected;
  if (within(world.failing)) return Behaviour::failing;
  if (within(world.flaky)) return Behaviour::flaky;
  if (within(world.slow / static_cast<double>(1 + tasks / 20))) return Behaviour::slow;
  return Behaviour::quick;
}

std::string Plan::payload(const Options& world, unsigned era, std::uint64_t index) const {
  if (parent != nullptr) return parent->payload(world, era, letters.at(index));
  std::string text(1, static_cast<char>(behaviour(world, index)));
  for (const std::uint64_t part : {std::uint64_t{number}, std::uint64_t{era}, index})
    text += std::to_string(part) + " ";
  const std::uint64_t size = scrambled(salt + index) % (world.payload + 1);
  if (options.max_attempts % 2 == 0 && text.size() < size)
    text.resize(size, '.');  // in the others they are nearly all alike
  return text;
}

Assignment assignment_of(std::string_view payload) {
  Assignment assignment;
  assignment.behaviour = static_cast<Behaviour>(payload.front());
  payload.remove_prefix(1);
  assignment.plan = static_cast<unsigned>(number(payload));
  assignment.era = static_cast<unsigned>(number(payload));
  assignment.index = number(payload);
  return assignment;
}

std::string result_of(std::string_view payload, std::uint64_t most) {
  const std::uint64_t value = hash(payload);
  std::string text = std::to_string(value);
  if (value % 3 == 0) text.resize(std::max<std::uint64_t>(text.size(), value % (most + 1)), '=');
  return value % 17 == 0 ? "" : text;
}

std::string error_of(std::string_view payload) { return "no: " + std::to_string(hash(payload)); }

}  // namespace stint::sim
