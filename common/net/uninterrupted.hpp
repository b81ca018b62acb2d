// Calls of libzmq that never wait look into a mailbox through poll(), and a signal that arrives just then makes them fail
// with EINTR. Nothing has happened in that case, so they are repeated.
//
//   if (!uninterrupted([&] { return socket.recv(frame, zmq::recv_flags::dontwait); })) return;
//
// Only for what never waits: a call that waits would not heed the signal. May be used from any thread.
#pragma once

#include <cerrno>
#include <zmq.hpp>

namespace stint {

template <class Call>
auto uninterrupted(Call call) {
  for (;;) {
    try {
      return call();
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  }
}

}  // namespace stint
