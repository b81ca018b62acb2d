#include "worker/command/spawn.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace stint::worker {
namespace {

// Runs in the new process, which shares our memory until exec: nothing here may allocate, lock or throw.
[[noreturn]] void become(const SpawnPlan& plan, Guardian::Seat& seat, int report) {
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
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(report, &error, sizeof error);
  _exit(127);
}

// False when exec has closed the pipe without a word.
bool read_fully(int report, int& error) {
  ssize_t size = 0;
  while ((size = read(report, &error, sizeof error)) < 0 && errno == EINTR) {
  }
  return size == sizeof error;
}

void reap(pid_t process) {
  while (waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

// vfork() and not posix_spawn(), as the new process has to enter itself in the guardian's table; and not fork(), which
// would copy the page tables of a large process and the state of ZeroMQ.
//
// What went wrong before or in exec comes through a pipe that exec closes: under ThreadSanitizer vfork() is a fork().
Spawned spawn(const SpawnPlan& plan, Guardian::Seat& seat) {
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return {-1, errno};
  sigset_t all, former;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);  // our handlers must not run in the new process
  const pid_t process = vfork();
  if (process == 0) become(plan, seat, report[1]);
  int error = process < 0 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &former, nullptr);
  close(report[1]);
  if (process > 0 && read_fully(report[0], error)) reap(process);
  close(report[0]);
  return {error == 0 ? process : -1, error};
}

}  // namespace stint::worker
