#include "tools/show/options.hpp"

#include <doctest/doctest.h>

namespace stint::tool {
namespace {

struct Line {
  bool in_order = false;
  bool nul = false;
  std::string kind;
  std::int64_t priority = 0;
  Duration limit{};
  std::vector<std::string> rest;

  explicit Line(const std::vector<std::string>& arguments, bool with_nul = true) {
    Options options;
    options.flag("in-order", 'k', "", in_order);
    if (with_nul) options.flag("null", '0', "", nul);
    options.text("kind", 'K', "KIND", "", kind);
    options.number("priority", 'p', "N", "", -10, 10, priority);
    options.seconds("time-limit", 't', "S", "", limit);
    rest = options.parse(arguments);
  }
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("options in all the ways in which people write them") {
  CHECK(Line({"--kind", "echo", "file"}).kind == "echo");
  CHECK(Line({"--kind=echo"}).kind == "echo");
  CHECK(Line({"-K", "echo"}).kind == "echo");
  CHECK(Line({"-Kecho"}).kind == "echo");
  CHECK(Line({"-k0"}).nul);
  CHECK(Line({"-p", "-5"}).priority == -5);
  CHECK(Line({"-t0.5"}).limit == 500ms);
  CHECK(Line({"a", "--", "-k"}).rest == Words{"a", "-k"});
  CHECK(Line({"-"}).rest == Words{"-"});
}

TEST_CASE("a negative number is none of our letters") {
  CHECK(Line({"job", "-10"}, false).rest == Words{"job", "-10"});
  CHECK_THROWS_AS(Line({"-05"}), UsageError);
}

TEST_CASE("what is wrong is named") {
  CHECK_THROWS_WITH(Line({"--kidn", "x"}), "there is no option --kidn; see --help");
  CHECK_THROWS_WITH(Line({"--kind"}), "--kind needs a value: --kind KIND");
  CHECK_THROWS_WITH(Line({"--in-order=yes"}), "--in-order takes no value");
  CHECK_THROWS_WITH(Line({"-p", "eleven"}), "--priority wants a whole number from -10 to 10, not \"eleven\"");
  CHECK_THROWS_AS(Line({"-p", "11"}), UsageError);
  CHECK_THROWS_AS(Line({"-t", "0"}), UsageError);
  CHECK_THROWS_AS(Line({"-t", "nan"}), UsageError);
}

}  // namespace stint::tool
