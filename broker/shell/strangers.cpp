#include "broker/shell/strangers.hpp"

namespace stint::broker {

bool Strangers::is_cut_off(const std::string& address) const {
  if (counts_.empty()) return false;
  const auto found = counts_.find(address);
  return found != counts_.end() && found->second >= limits::kTolerated;
}

bool Strangers::blame(const std::string& address) {
  ++malformed_;
  const auto [at, is_new] = counts_.try_emplace(address, 0);
  if (++at->second == limits::kTolerated) ++cut_off_;
  if (is_new) {
    oldest_first_.push_back(address);
    if (oldest_first_.size() > limits::kStrangers) {
      counts_.erase(oldest_first_.front());
      oldest_first_.pop_front();
    }
  }
  return may_reply();
}

bool Strangers::may_reply() { return ++replies_ <= limits::kErrorRepliesPerTurn; }

}  // namespace stint::broker
