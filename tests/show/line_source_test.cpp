#include "tools/show/line_source.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <vector>

#include "common/model/limits.hpp"

namespace stint::tool {
namespace {

class Pipe {
 public:
  Pipe() { REQUIRE(::pipe(ends_.data()) == 0); }
  ~Pipe() { close_writer(), ::close(ends_[0]); }
  int reader() const { return ends_[0]; }
  void write(std::string_view text) const {
    while (!text.empty()) text.remove_prefix(static_cast<std::size_t>(::write(ends_[1], text.data(), text.size())));
  }
  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_{};
};

std::vector<std::string> lines_of(std::string_view text, char separator = '\n') {
  Pipe pipe;
  pipe.write(text);
  pipe.close_writer();
  LineSource source(pipe.reader(), separator, 100);
  std::vector<std::string> lines;
  for (std::string_view line; source.next(line);) lines.emplace_back(line);
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("lines are what stands between newlines") {
  CHECK(lines_of("") == Lines{});
  CHECK(lines_of("a\nb\n") == Lines{"a", "b"});
  CHECK(lines_of("a\nb") == Lines{"a", "b"});
  CHECK(lines_of("\n") == Lines{""});
  CHECK(lines_of("a\n\nb\r\n") == Lines{"a", "", "b\r"});
  CHECK(lines_of(std::string_view("a\0b\nc", 5)) == Lines{std::string("a\0b", 3), "c"});
  CHECK(lines_of(std::string_view("a\nb\0c\0", 6), '\0') == Lines{"a\nb", "c"});
}

TEST_CASE("a line is handed out before the next one comes") {
  Pipe pipe;
  LineSource source(pipe.reader(), '\n', 100);
  std::string_view line;
  pipe.write("one\ntw");
  REQUIRE(source.next(line));
  CHECK(line == "one");
  pipe.write("o\n");
  REQUIRE(source.next(line));
  CHECK(line == "two");
}

TEST_CASE("a line over the limit is named, those before it are not lost") {
  Pipe pipe;
  LineSource source(pipe.reader(), '\n', 5);
  std::string_view line;
  pipe.write("12345\n123456");
  pipe.close_writer();
  REQUIRE(source.next(line));
  CHECK(line == "12345");
  CHECK_FALSE(source.next(line));
  CHECK(source.is_too_long());
  CHECK(source.number() == 2);
}

TEST_CASE("lines longer than a block") {
  Pipe pipe;
  const std::string large(3 * limits::kReadBytes + 7, 'x');
  std::thread writer([&] { pipe.write("a\n" + large + "\nb\n" + large), pipe.close_writer(); });
  LineSource source(pipe.reader(), '\n', limits::kMaxPayloadBytes);
  std::vector<std::size_t> sizes;
  for (std::string_view line; source.next(line);) sizes.push_back(line.size());
  writer.join();
  CHECK(sizes == std::vector<std::size_t>{1, large.size(), 1, large.size()});
}

TEST_CASE("many lines come whole and in order") {
  Pipe pipe;
  constexpr int kLines = 300'000;
  std::thread writer([&] {
    std::string text;
    for (int i = 0; i < kLines; ++i) text += std::to_string(i) + "\n";
    pipe.write(text);
    pipe.close_writer();
  });
  LineSource source(pipe.reader(), '\n', 100);
  int expected = 0;
  bool same = true;
  for (std::string_view line; source.next(line); ++expected) same = same && line == std::to_string(expected);
  writer.join();
  CHECK(same);
  CHECK(expected == kLines);
}

TEST_CASE("a reader that waits can be told to stop") {
  Pipe pipe;
  LineSource source(pipe.reader(), '\n', 100);
  std::string_view line;
  bool more = true;
  std::thread reader([&] { more = source.next(line); });
  source.stop();
  reader.join();
  CHECK_FALSE(more);
}

}  // namespace stint::tool
