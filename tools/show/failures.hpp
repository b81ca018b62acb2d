// Failed tasks, told so that ten thousand of them do not bury the first: the first few one by one, then one a second;
// and at the end the groups of those that say alike, with a count and one example each.
//
//   FailureLog failures;
//   if (auto line = failures.told(now, result)) console.add(*line);
//   for (auto& line : failures.summary()) console.add(line);
//
// Pure. Owned by one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/model/time.hpp"
#include "stint/client.hpp"

namespace stint::tool {

class FailureLog {
 public:
  std::optional<std::string> told(TimePoint now, const TaskResult& failed);  // nothing when it is one too many
  std::vector<std::string> summary() const;                                  // the largest groups
  std::uint64_t count() const { return count_; }

 private:
  struct Group {
    std::uint64_t count = 0;
    std::string example;  // what the first of them said
    Index index = 0;      // and who it was
  };

  std::uint64_t count_ = 0;
  std::uint64_t untold_ = 0;
  std::optional<TimePoint> last_told_;
  std::unordered_map<std::string, Group> groups_;  // by what is left of a text without its numbers and paths
};

// How a task failed: exit 3: no such file
std::string failure_text(const TaskResult& failed);

// The text without what differs from task to task: numbers become N, paths become PATH.
std::string likeness(std::string_view text);

}  // namespace stint::tool
