#include "tools/show/failures.hpp"

#include <doctest/doctest.h>

namespace stint::tool {
namespace {

TaskResult failure(Index index, std::string_view error, std::int32_t exit = 1) {
  TaskResult result;
  result.index = index;
  result.state = TaskState::failed;
  result.error = error;
  result.exit = exit;
  return result;
}

}  // namespace

TEST_CASE("a failure in a few words: its status, and what was said last") {
  CHECK(failure_text(failure(3, "warming up\nno such file\n")) == "exit 1: no such file");
  CHECK(failure_text(failure(3, "no such file\n \t\n")) == "exit 1: no such file");
  CHECK(failure_text(failure(3, "", 0)) == "failed without a word");
  TaskResult killed = failure(3, "", 0);
  killed.failure = Failure::lost;
  CHECK(failure_text(killed).starts_with("lost"));
}

TEST_CASE("numbers and paths make no difference") {
  CHECK(likeness("cannot open /tmp/a-1.txt at 17") == likeness("cannot open /var/b/c at 4211"));
  CHECK(likeness("timeout") != likeness("refused"));
}

TEST_CASE("the first are told one by one, then one a second") {
  FailureLog log;
  const TimePoint start{1h};
  for (Index i = 0; i < 10; ++i)
    CHECK(log.told(start, failure(i, "no")) == "task " + std::to_string(i) + " failed: exit 1: no");
  CHECK_FALSE(log.told(start, failure(10, "no")));
  CHECK_FALSE(log.told(start + 900ms, failure(11, "no")));
  CHECK(log.told(start + 1s, failure(12, "no")) == "task 12 failed, and 2 others before it: exit 1: no");
  CHECK(log.count() == 13);
}

TEST_CASE("the largest groups are named at the end") {
  FailureLog log;
  const TimePoint start{1h};
  for (Index i = 0; i < 6; ++i) log.told(start, failure(i, "cannot open /tmp/" + std::to_string(i)));
  for (Index i = 6; i < 8; ++i) log.told(start, failure(i, "out of memory", 2));
  log.told(start, failure(8, "a"));
  log.told(start, failure(9, "b"));
  const auto lines = log.summary();
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "  6 x exit 1: cannot open /tmp/0   (task 0)");
  CHECK(lines[1] == "  2 x exit 2: out of memory   (task 6)");
  CHECK(lines[3] == "  and 1 other kinds of failure");
}

}  // namespace stint::tool
