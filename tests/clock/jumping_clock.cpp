// Preloaded into a process: its wall clock jumps, a day ahead and a day back in turn, at each reading. Other clocks are as they are.
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace {

constexpr time_t kDay = 86'400;

time_t jump() {
  static std::atomic<unsigned> readings = 0;
  return readings++ % 2 == 0 ? kDay : -kDay;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long result = syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += jump();
  return static_cast<int>(result);
}

int gettimeofday(timeval* time, void*) noexcept {
  timespec precise{};
  clock_gettime(CLOCK_REALTIME, &precise);
  *time = {precise.tv_sec, precise.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* seconds) noexcept {
  timespec precise{};
  clock_gettime(CLOCK_REALTIME, &precise);
  if (seconds != nullptr) *seconds = precise.tv_sec;
  return precise.tv_sec;
}

}  // extern "C"
