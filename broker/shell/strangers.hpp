// Addresses that sent what is no message of ours, and how often. libzmq cannot close one connection of a ROUTER, so
// "cut off" means: what comes from there is dropped undecoded.
//
//   if (strangers.is_cut_off(mail.address)) return;
//   if (strangers.blame(mail.address)) reply(...);       // false: it has had its chances, or this turn's replies are
//   used up
//
// Bounded: of many strangers the oldest are forgotten and start anew. A value.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "common/model/limits.hpp"

namespace stint::broker {

class Strangers {
 public:
  bool is_cut_off(const std::string& address) const;

  // One more malformed message from there; whether it is told so.
  bool blame(const std::string& address);

  // A reply to somebody outside any session; whether this turn has room for it.
  bool may_reply();
  void new_turn() { replies_ = 0; }

  std::uint64_t malformed() const { return malformed_; }  // messages, since the start
  std::uint64_t cut_off() const { return cut_off_; }      // addresses, since the start

 private:
  std::unordered_map<std::string, std::uint32_t> counts_;
  std::deque<std::string> oldest_first_;
  std::uint32_t replies_ = 0;
  std::uint64_t malformed_ = 0;
  std::uint64_t cut_off_ = 0;
};

}  // namespace stint::broker
