// stint-worker: a worker that runs a command for each task.
#include <exception>
#include <iostream>

#include "common/net/signals.hpp"
#include "common/system/standard_streams.hpp"
#include "worker/command/command_handler.hpp"
#include "worker/command/options.hpp"

int main(int argc, char** argv) try {
  stint::hold_standard_streams();
  const stint::worker::CommandLine line = stint::worker::parse_command_line(argc, argv);
  stint::worker::Guardian guardian;  // before there is any thread
  stint::ignore_broken_pipes();
  stint::Worker worker(line.worker);
  for (const std::string& kind : line.kinds) worker.on(kind, stint::worker::command_handler(line.command, guardian));
  return worker.run();
} catch (const std::exception& error) {
  std::cerr << "stint-worker: " << error.what() << "\n";
  return 1;
}
