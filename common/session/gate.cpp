#include "common/session/gate.hpp"

namespace stint {

Gate::Verdict Gate::admit(SessionId session, std::uint32_t seq) {
  if (session != session_ || session_ == SessionId{}) return Verdict::foreign;
  if (is_broken_) return Verdict::gap;
  const std::uint32_t ahead = seq - last_received_;  // modulo 2^32, as the numbers wrap
  if (ahead == 1) {
    last_received_ = seq;
    return Verdict::pass;
  }
  return ahead == 0 || ahead > 0x8000'0000U ? Verdict::duplicate : Verdict::gap;
}

}  // namespace stint
