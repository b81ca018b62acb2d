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

struct Bombarded {  // as long as it lives this thread gets signals without pause
  Bombarded() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
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

TEST_CASE("a signal does not make receiving or sending fail") {
  zmq::context_t context;
  zmq::socket_t receiver(context, zmq::socket_type::dealer);
  zmq::socket_t sender(context, zmq::socket_type::dealer);
  receiver.bind("inproc://here");
  sender.connect("inproc://here");
  const Frames frames{"head", {}};
  int sent = 0, received = 0;
  const Bombarded bombarded;
  for (int i = 0; i < 50'000; ++i) {
    CHECK_NOTHROW(sent += static_cast<int>(send_message(sender, frames)));
    for (int j = 0; j < 2; ++j) CHECK_NOTHROW(received += static_cast<int>(receive_message(receiver).has_value()));
  }
  CHECK(sent == 50'000);
  CHECK(received <= sent);
}

}  // namespace
}  // namespace stint
