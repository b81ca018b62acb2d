#include "broker/shell/strangers.hpp"

#include <doctest/doctest.h>

#include "broker/shell/router.hpp"

namespace stint::broker {
namespace {

TEST_CASE("a stranger has its chances, then it is cut off; its neighbour is not") {
  Strangers strangers;
  for (std::uint32_t i = 0; i < limits::kTolerated; ++i) {
    CHECK_FALSE(strangers.is_cut_off("a"));
    CHECK(strangers.blame("a"));
  }
  CHECK(strangers.is_cut_off("a"));
  CHECK_FALSE(strangers.is_cut_off("b"));
  CHECK(strangers.malformed() == limits::kTolerated);
  CHECK(strangers.cut_off() == 1);
}

TEST_CASE("a turn has a limited number of replies") {
  Strangers strangers;
  for (std::uint32_t i = 0; i < limits::kErrorRepliesPerTurn; ++i) CHECK(strangers.blame(std::to_string(i)));
  CHECK_FALSE(strangers.blame("one more"));
  strangers.new_turn();
  CHECK(strangers.blame("one more"));
}

TEST_CASE("of too many strangers the oldest are forgotten") {
  Strangers strangers;
  for (std::uint32_t i = 0; i < limits::kTolerated; ++i) strangers.blame("first");
  REQUIRE(strangers.is_cut_off("first"));
  for (std::size_t i = 0; i < limits::kStrangers; ++i) strangers.blame(std::to_string(i));
  CHECK_FALSE(strangers.is_cut_off("first"));
}

TEST_CASE("the addresses that libzmq makes up are peers, and no others") {
  const PeerId peer{0x80'00'12'ff};
  CHECK(Router::address_of(peer) == std::string("\0\x80\0\x12\xff", 5));
  CHECK(Router::peer_of(Router::address_of(peer)) == peer);
  CHECK_FALSE(Router::peer_of("my own"));
  CHECK_FALSE(Router::peer_of("\1abcd"));
  CHECK_FALSE(Router::peer_of(""));
}

}  // namespace
}  // namespace stint::broker
