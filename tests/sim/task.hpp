// The tasks of a simulated job: a payload says what its handler will do, and what it must come out as, so that whoever
// sees a result can tell whether it belongs to the task.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "stint/job.hpp"
#include "tests/sim/options.hpp"

namespace stint::sim {

enum class Behaviour : char {
  quick = 'q',
  slow = 's',
  flaky = 'f',     // fails or not, by chance
  failing = 'x',   // fails each time
  rejected = 'r',  // fails for good
  hanging = 'h',   // goes on until told to stop
  stubborn = 'b',  // goes on even then
  killer = 'k',    // ends its worker
};

// What a payload says.
struct Assignment {
  Behaviour behaviour = Behaviour::quick;
  unsigned plan = 0;
  unsigned era = 0;  // how often its job was begun anew after the broker had lost its memory
  std::uint64_t index = 0;
};

// What somebody wants to have done: a job, before and after it has an id.
struct Plan {
  unsigned number = 0;
  JobOptions options;
  std::uint64_t tasks = 0;
  std::uint64_t salt = 0;
  std::set<std::uint64_t> killers;
  bool leaves = false;  // its writer goes away once all is accepted
  bool reads_twice = false;
  bool cancellable = false;              // somebody may have cancelled it, or its writer may have been missed
  bool cancelled = false;                // somebody has asked for it
  bool retries = false;                  // its failed tasks are tried again, in a job of their own ...
  const Plan* parent = nullptr;          // ... which is this one, then
  std::vector<std::uint64_t> letters{};  // the tasks of the parent that are its own
  std::uint64_t pace = 0;                // tasks that its writer has ready in 10 ms; 0 = all at once
  std::uint64_t appetite = 0;            // results that its reader consumes in 10 ms; 0 = all at once
  std::uint64_t reader_tasks =
      0;  // results that its reader takes beyond what it has acknowledged; 0 = as the client says
  std::uint64_t reader_bytes = 0;  // the same in bytes

  Behaviour behaviour(const Options& world, std::uint64_t index) const;
  std::string payload(const Options& world, unsigned era, std::uint64_t index) const;
};

Assignment assignment_of(std::string_view payload);
std::string result_of(std::string_view payload, std::uint64_t most);
std::string error_of(std::string_view payload);

}  // namespace stint::sim
