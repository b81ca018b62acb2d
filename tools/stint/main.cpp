// stint: the command line of people and their scripts. Finds the command, runs it, and turns what goes wrong into a sentence and an
// exit code.
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <system_error>

#include "common/net/endpoint.hpp"
#include "common/net/signals.hpp"
#include "tools/show/escape.hpp"
#include "tools/stint/command.hpp"

namespace stint::tool {
namespace {

Exit complain(const std::exception& error, Exit code) {
  std::cerr << "stint: " << error.what() << '\n';
  return code;
}

Exit cannot_reach(const Unreachable& error) {
  std::cerr << "stint: " << error.what() << "\n"
            << "Is a broker running there? Start one with `stint-broker`, or name another: --broker ENDPOINT, or "
               "STINT_BROKER in the environment.\n";
  return Exit::unreachable;
}

Exit dispatch(std::vector<std::string> arguments) {
  if (arguments.empty()) {
    std::cerr << "stint: a command is missing; see `stint --help`\n";
    return Exit::usage;
  }
  std::string name = arguments.front();
  if (name == "--help" || name == "-h") name = "help";
  const auto all = commands();
  const auto command = std::find_if(all.begin(), all.end(), [&](const Command& c) { return c.name == name; });
  if (command == all.end()) throw UsageError("there is no command \"" + escaped(name) + "\"; see `stint --help`");
  arguments.erase(arguments.begin());
  return command->run({*command, std::move(arguments)});
}

Exit run(std::vector<std::string> arguments) {
  try {
    ignore_broken_pipes();
    return dispatch(std::move(arguments));
  } catch (const UsageError& error) {
    return complain(error, Exit::usage);
  } catch (const EndpointError& error) {
    return complain(error, Exit::usage);
  } catch (const Unreachable& error) {
    return cannot_reach(error);
  } catch (const Interrupted& error) {
    return Exit::interrupted;
  } catch (const TimedOut& error) {
    return complain(error, Exit::timeout);
  } catch (const ClientError& error) {
    return complain(error, Exit::refused);
  } catch (const std::exception& error) {
    return complain(error, Exit::unreachable);
  }
}

}  // namespace
}  // namespace stint::tool

int main(int argc, char** argv) { return static_cast<int>(stint::tool::run({argv + 1, argv + argc})); }
