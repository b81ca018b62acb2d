// zmq-sub: shows what a Stint broker tells of its jobs and workers; and the messages of any other PUB socket.
#include <cstdlib>
#include <exception>
#include <iostream>

#include "common/net/endpoint.hpp"
#include "tools/show/options.hpp"
#include "tools/zmq-sub/watcher.hpp"

int main(int argc, char** argv) {
  using namespace stint;
  using namespace stint::tool;
  try {
    ignore_broken_pipes();
    WatchOptions options = WatchOptions::parse({argv + 1, argv + argc}, std::getenv("STINT_EVENTS"));
    if (options.help) {
      std::cout << WatchOptions::help_text();
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
