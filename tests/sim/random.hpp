// Everything that happens in a simulated run by chance is drawn here, from one seed (SplitMix64; Steele, Lea, Flood,
// 2014).
//
//   Random random(seed);
//   if (random.chance(0.01)) lose(message);
//   const Duration delay = random.duration(0ms, 5ms);
#pragma once

#include <cstdint>
#include <vector>

#include "common/model/time.hpp"

namespace stint::sim {

// A number that looks random, and is the same for the same input.
constexpr std::uint64_t scrambled(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() { return scrambled(state_ += 0x9E3779B97F4A7C15U); }
  std::uint64_t below(std::uint64_t end) { return bits() % end; }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) { return least + below(most - least + 1); }
  bool chance(double share) { return static_cast<double>(bits() >> 11) < share * 9007199254740992.0; }  // of 2^53
  Duration duration(Duration least, Duration most) {
    return Duration(static_cast<Duration::rep>(
        between(static_cast<std::uint64_t>(least.count()), static_cast<std::uint64_t>(most.count()))));
  }
  // Small ones as likely as large ones: between `least` and `most`, evenly by order of magnitude.
  std::uint64_t magnitude(std::uint64_t least, std::uint64_t most) {
    std::uint64_t top = least;
    while (top < most && below(5) != 0) top = top * 2 + 1;
    return between(least, top < most ? top : most);
  }
  template <class T>
  const T& pick(const std::vector<T>& values) {
    return values[below(values.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace stint::sim
