// The results of a job on their way to its readers.
//
//   log.append(results);                              // in the order of ending
//   while (auto piece = log.read(position, limit)) { send(*piece); position = behind(*piece); }
//   log.trim(acknowledged);                           // a streaming job forgets what was consumed
//
// A position is what a reader acknowledges: in a SequenceLog the place in the order of ending, in an IndexLog the task's index. Both
// count up, so one integer says everything that was consumed.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "common/model/messages.hpp"

namespace stint::broker {

class SequenceLog {
 public:
  void begin_at(std::uint64_t position) { begin_ = end_ = position; }  // after a restart; before anything else
  void append(JobResults results);
  std::optional<JobResults> read(std::uint64_t position, std::uint64_t limit) const;  // some of [position, limit)
  void trim(std::uint64_t upto);
  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return end_; }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t tasks() const { return end_ - begin_; }

 private:
  std::deque<JobResults> entries_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t bytes_ = 0;
};

class IndexLog {
 public:
  void append(const JobResults& results);
  // Some of [position, limit): what stands at `position` itself, or, when `complete` says that what is missing never comes (it was
  // cancelled, say), the next there is: the gap before it takes no room.
  std::optional<JobResults> read(std::uint64_t position, std::uint64_t limit, bool complete) const;
  void trim(std::uint64_t upto);
  std::uint64_t end() const;  // behind the highest index
  std::uint64_t bytes() const { return bytes_; }

 private:
  void insert(JobResults run);

  std::map<Index, JobResults> runs_;  // by first index; each a run of consecutive tasks
  std::uint64_t trimmed_ = 0;
  std::uint64_t highest_ = 0;
  std::uint64_t bytes_ = 0;
};

// The same results as pieces of consecutive tasks, ascending; the position of each is its first index.
std::vector<JobResults> consecutive_runs(JobResults results);

// Results first, first + 1, ... of a piece.
JobResults part_of(const JobResults& whole, std::uint32_t first, std::uint32_t count);

// The position behind the last result of a piece.
std::uint64_t behind(const JobResults& piece);

}  // namespace stint::broker
