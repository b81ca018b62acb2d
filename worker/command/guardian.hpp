// Kills what the worker's commands are, when the worker itself is killed: no orphans, also under kill -9.
//
//   int main() {
//     Guardian guardian;                       // first of all: it forks, so no thread and no ZeroMQ context yet
//     Guardian::Seat seat = guardian.take();   // for each command
//     ... in the new process, before exec: setpgid(0, 0); seat.enter(getpid());
//   }
//
// A small process that waits for the end of a pipe whose other end only the worker has, and then kills the process
// groups in a table that both share. A command on its way to exec holds the pipe too, and enters itself in the table:
// so the end of the pipe comes only when every command is in the table, and none slips through. Posix_spawn could not
// do that, as only the parent could enter it.
//
// take() and seats may be used from any thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>

namespace stint::worker {

class Guardian {
 public:
  struct Place {
    std::atomic<pid_t> group;  // 0 = free, -1 = taken, else to be killed
  };

  // One place in the table, given back with the end of its owner. Requires: the guardian outlives it.
  class Seat {
   public:
    explicit Seat(Place& place) : place_(place) {}
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    ~Seat() { place_.group = 0; }

    void enter(pid_t group) { place_.group = group; }

   private:
    Place& place_;
  };

  Guardian();  // throws std::system_error
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;
  ~Guardian();  // kills what is in the table

  Seat take();

 private:
  Place* table_;
  int pipe_ = -1;
  pid_t process_ = -1;
};

}  // namespace stint::worker
