// Waiting for sockets and file descriptors, the only place where a loop may stand still.
//
//   if (!wait({link.socket(), wakeup.fd(), signals.fd()}, core.next_deadline())) ...   // the deadline came first
//
// A null socket and a negative descriptor are passed over. A signal handler that ran counts as something to look at.
#pragma once

#include <initializer_list>
#include <zmq.hpp>

#include "common/model/time.hpp"

namespace stint {

class Source {
 public:
  Source(zmq::socket_ref socket) : socket_(socket.handle()) {}  // NOLINT(google-explicit-constructor): reads as a list
  Source(zmq::socket_t& socket) : socket_(socket.handle()) {}   // NOLINT(google-explicit-constructor)
  Source(int fd) : fd_(fd) {}                                   // NOLINT(google-explicit-constructor)

  bool exists() const { return socket_ != nullptr || fd_ >= 0; }
  void* socket() const { return socket_; }  // null: a descriptor
  int descriptor() const { return socket_ == nullptr ? fd_ : zmq::socket_ref(zmq::from_handle, socket_).get(zmq::sockopt::fd); }

 private:
  void* socket_ = nullptr;
  int fd_ = -1;
};

// True when a source is readable, false when the deadline came first; TimePoint::max() is none. At most kMaxSources
// sources. For as long as `awake` it looks again and again, lets others have the processor in between, and only then
// sleeps: what comes within that time need not wake anybody up, which costs as much as a dozen system calls.
bool wait(std::initializer_list<Source> sources, TimePoint deadline, Duration awake = Duration::zero());

constexpr std::size_t kMaxSources = 8;

}  // namespace stint
