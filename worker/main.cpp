// stint-worker: a worker that runs a command for each task.
#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <iostream>

#include "common/net/signals.hpp"
#include "worker/command/command_handler.hpp"
#include "worker/command/options.hpp"

namespace {

// Descriptors 0, 1 and 2 are the commands' own; ours must not be taken for them when somebody started us without.
void open_standard_streams() {
  int fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= 2) fd = dup(fd);
  if (fd > 2) close(fd);
}

}  // namespace

int main(int argc, char** argv) try {
  open_standard_streams();
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
