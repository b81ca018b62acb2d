#include <doctest/doctest.h>

#include "tools/show/text.hpp"
#include "tools/show/json.hpp"
#include "tools/show/table.hpp"

namespace stint::tool {

TEST_CASE("strangers' text cannot steer a terminal") {
  CHECK(escaped("a\x1b[31mb\n") == "a\\x1b[31mb\\n");
  CHECK(escaped("caf\u00e9 \u4f60\u597d") == "caf\u00e9 \u4f60\u597d");
  CHECK(escaped("\u009b31m") == "\\xc2\\x9b31m");
  CHECK(escaped("\u202egpj.exe") == "\\xe2\\x80\\xaegpj.exe");
  CHECK(escaped(std::string_view("\xff\0\x7f", 3)) == "\\xff\\x00\\x7f");
}

TEST_CASE("UTF-8 is told from other bytes") {
  CHECK(is_utf8("plain, caf\u00e9, \U0001f600"));
  CHECK_FALSE(is_utf8("\xc0\xaf"));          // overlong
  CHECK_FALSE(is_utf8("\xed\xa0\x80"));      // surrogate
  CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
  CHECK_FALSE(is_utf8("\xe2\x82"));          // cut off
}

TEST_CASE("base64 as everybody writes it") {
  CHECK(to_base64("") == "");
  CHECK(to_base64("f") == "Zg==");
  CHECK(to_base64("fo") == "Zm8=");
  CHECK(to_base64("foo") == "Zm9v");
  CHECK(to_base64("\xff\xfe\xfd") == "//79");
}

TEST_CASE("text is cut at a character, and the cut is seen") {
  CHECK(fitted("caf\u00e9s", 5) == "caf\u00e9s");
  CHECK(fitted("caf\u00e9s", 4) == "caf\u2026");
  CHECK(fitted("x", 0) == "");
}

TEST_CASE("an event is one line of JSON, its names in their order") {
  const Event event{
      "job.7.",
      "stalled",
      1,
      StoreId{0xab},
      5,
      Row{{"reason", "no worker"}, {"job", std::uint64_t{7}}, {"name", "a\xff"}, {"total", std::uint64_t{3}}}};
  CHECK(json_line(to_json(event, 0)) ==
        "{\"topic\":\"job.7.\",\"event\":\"stalled\",\"seq\":5,\"epoch\":1,\"job\":7,\"name\":\"a\ufffd\",\"total\":3,"
        "\"reason\":\"no worker\",\"store\":\"00000000000000ab\"}\n");
  CHECK(to_json(event, 2).at("missed") == 2);
}

TEST_CASE("anybody's message is shown, binary frames escaped") {
  CHECK(json_line(plain_to_json({"weather", "12 C", "\xff\x01"})) ==
        "{\"topic\":\"weather\",\"frames\":[\"12 C\",\"\\\\xff\\\\x01\"]}\n");
}

TEST_CASE("a table has no empty columns") {
  const std::vector<Row> rows = {
      Row{{"job", std::uint64_t{7}}, {"name", "render\n"}, {"failed", std::uint64_t{0}}, {"key", "k1"}},
      Row{{"job", std::uint64_t{12}},
          {"name", "x"},
          {"failed", std::uint64_t{0}},
          {"key", "k2"},
          {"left", std::uint64_t{4}}},
  };
  CHECK(table(rows, {"job", "name", "failed"}, {"key"}) ==
        "job  name      left\n"
        "  7  render\\n\n"
        " 12  x            4\n");
}

}  // namespace stint::tool
