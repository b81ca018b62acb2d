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

boost::program_options::options_description common_options(unsigned default_slots);
WorkerOptions read_common_options(const boost::program_options::variables_map& chosen, const std::string& program);

std::string program_name(const char* argument);  // without its directory
std::string version_line();

}  // namespace stint::worker
