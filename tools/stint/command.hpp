// The commands of `stint`: a table, and one file for each. What a command gets, and what all have in common.
//
//   Exit pause(const Invocation& call) {
//     Common common;
//     Options options = common.options();
//     const auto selectors = call.parse(options);        // nothing: help was asked for, and given
//     ...
//   }
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "stint/client.hpp"
#include "tools/show/exit_codes.hpp"
#include "tools/show/options.hpp"
#include "tools/stint/console.hpp"

namespace stint::tool {

struct Invocation;

struct Command {
  std::string_view name;
  std::string_view arguments;  // as the usage line shows them
  std::string_view sentence;
  std::string_view more;  // what else `--help` says; whole lines
  Exit (*run)(const Invocation&);
};

struct Invocation {
  const Command& command;
  std::vector<std::string> arguments;

  // What is no option. Nothing when --help was among them and has been answered.
  std::optional<std::vector<std::string>> parse(Options& options) const;
};

// The options that every command has.
struct Common {
  std::string broker;
  bool json = false;

  Options options();           // --broker
  Options options_and_json();  // and --json

  // Throws Unreachable with what to do about it. What the library has to tell goes to the console.
  std::unique_ptr<Client> connect(Console& console) const;
};

std::span<const Command> commands();

Exit submit(const Invocation& call);
Exit results(const Invocation& call);
Exit jobs(const Invocation& call);
Exit job(const Invocation& call);
Exit wait_for_jobs(const Invocation& call);
Exit workers(const Invocation& call);
Exit pause(const Invocation& call);
Exit resume(const Invocation& call);
Exit close_jobs(const Invocation& call);
Exit cancel(const Invocation& call);
Exit forget(const Invocation& call);
Exit retry(const Invocation& call);
Exit priority(const Invocation& call);
Exit drain(const Invocation& call);
Exit bench(const Invocation& call);
Exit help(const Invocation& call);

// Says on standard error what went wrong and what helps; returns the exit code for it.
Exit explained(const std::exception_ptr& error);

// The one argument that a command wants, or the one that it may have. Throw UsageError.
std::string only(const std::vector<std::string>& arguments, std::string_view what);
void require_some(const std::vector<std::string>& arguments, std::string_view what);

}  // namespace stint::tool
