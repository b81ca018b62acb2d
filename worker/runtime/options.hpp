// The options that all workers have, for the command lines of programs that add their own.
//
//   po::options_description all = common_options();
//   all.add_options()("shell", "...");
//   po::variables_map chosen = ...;
//   WorkerOptions options = read_common_options(chosen, program);   // throws UsageError
#pragma once

#include <boost/program_options.hpp>
#include <stdexcept>
#include <string>

#include "stint/worker.hpp"

namespace stint::worker {

// What the user typed cannot be meant; the text names the option and what would be right.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// How a worker ends, for --help.
constexpr const char* kEndings = R"(
SIGTERM, ^C and `stint drain` let it finish what runs, give back the rest and leave; a second signal ends it at once.
Without a broker it waits for one, saying so. Exit codes: 0 drained or asked to leave, 1 the task of --try failed or no slot is left,
2 bad option, 6 refused by the broker, 130 ended at once by a second signal.
)";

// Throws UsageError unless it can be a worker's name, or a kind's.
void require_name(const std::string& option, const std::string& name);

boost::program_options::options_description common_options(unsigned default_slots);
WorkerOptions read_common_options(const boost::program_options::variables_map& chosen, const std::string& program);

std::string program_name(const char* argument);  // without its directory
std::string version_line();

}  // namespace stint::worker
