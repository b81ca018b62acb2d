#include "worker/command/spawn.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace stint::worker {
namespace {

// Runs in the new process, which shares our memory until exec: nothing here may allocate, lock or throw.
[[noreturn]] void become(const SpawnPlan& plan, Guardian::Seat& seat) {
  setpgid(0, 0);
  seat.enter(getpid());
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGQUIT, SIGCHLD}) sigaction(signal, &usual, nullptr);
  dup2(plan.input, 0);
  dup2(plan.output, 1);
  dup2(plan.error, 2);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execvpe(plan.arguments[0], plan.arguments, plan.environment);
  seat.failed(errno);
  _exit(127);
}

}  // namespace

// vfork() and not posix_spawn(), as the new process has to enter itself in the guardian's table; and not fork(), which would copy the
// page tables of a large process and the state of ZeroMQ.
pid_t spawn(const SpawnPlan& plan, Guardian::Seat& seat) {
  sigset_t all, former;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);  // our handlers must not run in the new process
  const pid_t process = vfork();
  if (process == 0) become(plan, seat);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &former, nullptr);
  if (process < 0) {
    seat.failed(error);
    return -1;
  }
  if (seat.error() == 0) return process;
  while (waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
  }
  return -1;
}

}  // namespace stint::worker
