// Wakes a loop that waits, from any other thread.
//
//   Wakeup wakeup;
//   wait({link.socket(), wakeup.fd()}, deadline);   // the loop's thread
//   wakeup.clear();                                 //   ... then looks at what was left for it
//   wakeup.wake();                                  // other threads, after leaving something
//
// clear() comes before looking, so that nothing left in between is overlooked. wake() costs one atomic exchange when
// the loop has been woken already, clear() one atomic load when it has not.
#pragma once

#include <atomic>

namespace stint {

class Wakeup {
 public:
  Wakeup();  // throws std::system_error when the process has no file descriptor left
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  ~Wakeup();

  void wake() noexcept;
  void clear() noexcept;
  int fd() const { return fd_; }

 private:
  int fd_;
  std::atomic<bool> woken_{false};
};

}  // namespace stint
