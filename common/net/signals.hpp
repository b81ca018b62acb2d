// SIGTERM and SIGINT as something that a loop can wait for.
//
//   Signals signals;
//   wait({socket, signals.fd()}, deadline);
//   if (signals.count() == 1) begin_to_leave();
//   if (signals.count() >= 2) return 128 + signals.last();   // asked twice: at once
//
// One at a time in a process; the former handlers come back with its end. Handlers and not signalfd(), because a
// blocked signal would stay blocked in the commands that a worker starts. A second signal that comes while the first is
// still pending is merged with it by the kernel; one that comes later is counted.
#pragma once

#include <csignal>

#include "common/system/wakeup.hpp"

namespace stint {

class Signals {
 public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  int fd() const { return wakeup_.fd(); }
  void clear() { wakeup_.clear(); }  // before looking at count(), as with Wakeup
  int count() const;                 // how many came since the start
  int last() const;                  // which came last; 0 before the first

 private:
  Wakeup wakeup_;
  struct sigaction former_term_ {};
  struct sigaction former_int_ {};
};

// A write to a closed pipe or socket then fails with EPIPE instead of ending the process.
void ignore_broken_pipes();

}  // namespace stint
