// A signal that arrives while a socket is asked for what it has is no failure. (Row 31: SIGTERM under load.)
#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <zmq.hpp>

#include "common/net/message.hpp"

namespace stint {
namespace {

std::atomic<int> handled{0};

struct Bombarded {  // as long as it lives this thread gets signals without pause
  Bombarded() {
    struct sigaction action {};
    action.sa_handler = [](int) { ++handled; };
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, &former_);
    bomber_ = std::thread([this, target = pthread_self()] {
      while (!ended_) pthread_kill(target, SIGUSR1);
    });
  }
  ~Bombarded() {
    ended_ = true;
    bomber_.join();
    sigaction(SIGUSR1, &former_, nullptr);
  }

 private:
  std::atomic<bool> ended_{false};
  std::thread bomber_;
  struct sigaction former_ {};
};

// About one signal in a hundred arrives at the wrong moment: with so many of them a call that heeds it has no chance.
constexpr int kSignals = 4'000;

TEST_CASE("a signal does not make a socket fail that is asked for what it has") {
  zmq::context_t context;
  zmq::socket_t idle(context, zmq::socket_type::dealer);
  idle.bind("tcp://127.0.0.1:*");
  const Bombarded bombarded;
  int received = 0;
  const auto look = [&] {
    while (handled < kSignals) received += receive_message(idle) ? 1 : 0;
  };
  CHECK_NOTHROW(look());
  CHECK(received == 0);
}

}  // namespace
}  // namespace stint
