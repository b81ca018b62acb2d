// The stories of tests/story are told as they stand there. With STINT_REWRITE_STORIES set, the files are written anew:
// read what has changed before you keep it.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/core/story.hpp"

namespace stint::broker {
namespace {

// The file with what stands behind each `----` told anew.
std::string retold(const std::string& text) {
  Story story;
  std::istringstream in(text);
  std::string out;
  bool is_output = false;
  bool is_untold = false;
  for (std::string line; std::getline(in, line);) {
    if (is_output && !line.empty()) continue;
    is_output = line == "----";
    out += line + "\n";
    if (is_output) {
      out += story.sees();
      is_untold = false;
    } else if (!line.empty() && !line.starts_with("#")) {
      story.does(line);
      is_untold = true;
    }
  }
  CHECK_MESSAGE(!is_untold, "a story ends with what is seen, not with a command");
  return out;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("stories") {
  const char* source = std::getenv("STINT_SOURCE");
  const std::filesystem::path folder = std::filesystem::path(source == nullptr ? "." : source) / "tests/story";
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  REQUIRE(files.size() >= 30);
  for (const auto& path : files) {
    CAPTURE(path.filename().string());
    const std::string text = text_of(path);
    const std::string now = retold(text);
    CHECK_MESSAGE(now == text, "it is told otherwise now:\n" << now);
    if (now != text && std::getenv("STINT_REWRITE_STORIES") != nullptr) std::ofstream(path) << now;
  }
}

TEST_CASE("a story that is told otherwise is noticed, and so is a command that is none") {
  const std::string story = "client ann\nworker w1\nrun ann echo a\nfinish w1\n----\n";
  const std::string told = retold(story);
  CHECK(told.find("ann reads task 0: a\n") != std::string::npos);
  CHECK(retold(told) == told);
  CHECK(retold(story + "ann reads task 0: b\n") == told);
  for (const char* wrong : {"explode ann", "finish w7", "finish ann", "write w1 1 a", "worker w2 slot=3", "run"}) {
    CHECK_THROWS_AS(retold(std::string("client ann\nworker w1\n") + wrong + "\n----\n"), std::invalid_argument);
  }
}

}  // namespace
}  // namespace stint::broker
