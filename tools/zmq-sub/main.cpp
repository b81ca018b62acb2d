// zmq-sub: shows what a Stint broker tells of its jobs and workers; and the messages of any other PUB socket.
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>

#include "common/net/endpoint.hpp"
#include "common/system/standard_streams.hpp"
#include "tools/show/options.hpp"
#include "tools/zmq-sub/watcher.hpp"

int main(int argc, char** argv) {
  using namespace stint;
  using namespace stint::tool;
  hold_standard_streams();
  try {
    ignore_broken_pipes();
    WatchOptions options = WatchOptions::parse({argv + 1, argv + argc}, std::getenv("STINT_EVENTS"));
    if (options.help || options.version) {
      Output(STDOUT_FILENO).write(options.help ? WatchOptions::help_text() : "zmq-sub " STINT_VERSION "\n");
      return 0;
    }
    return static_cast<int>(Watcher(std::move(options)).run());
  } catch (const UsageError& error) {
    std::cerr << "zmq-sub: " << error.what() << '\n';
    return static_cast<int>(Exit::usage);
  } catch (const EndpointError& error) {
    std::cerr << "zmq-sub: " << error.what() << '\n';
    return static_cast<int>(Exit::usage);
  } catch (const std::exception& error) {
    std::cerr << "zmq-sub: " << error.what() << '\n';
    return static_cast<int>(Exit::unreachable);
  }
}
