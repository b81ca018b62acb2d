#include "worker/command/guardian.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <new>
#include <system_error>

#include "common/model/limits.hpp"
#include "common/model/require.hpp"

namespace stint::worker {
namespace {

constexpr std::size_t kPlaces =
    2 * std::size_t{limits::kMaxSlots};  // slots that were written off may still have a command

[[noreturn]] void give_up(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void kill_all(Guardian::Place* table) {
  for (std::size_t i = 0; i < kPlaces; ++i) {
    const pid_t group = table[i].group;
    if (group > 0) kill(-group, SIGKILL);
  }
}

// The terminal's signals are for the worker; and a reader of the worker's output must not have to wait for us.
void step_aside(int pipe) {
  setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) std::signal(signal, SIG_IGN);
  const int nowhere = open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) dup2(nowhere, fd);
  dup2(pipe, 3);
  close_range(4, ~0U, 0);
  prctl(PR_SET_NAME, "stint-guardian");
}

[[noreturn]] void guard(Guardian::Place* table, int pipe) {
  step_aside(pipe);
  char byte = 0;
  while (read(3, &byte, 1) < 0 && errno == EINTR) {
  }
  kill_all(table);
  _exit(0);
}

}  // namespace

Guardian::Guardian() {
  void* memory = mmap(nullptr, kPlaces * sizeof(Place), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("no memory for the table of commands");
  table_ = new (memory) Place[kPlaces]{};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) give_up("no pipe for the guardian of commands");
  process_ = fork();
  if (process_ < 0) give_up("no process for the guardian of commands");
  if (process_ == 0) {
    close(ends[1]);
    guard(table_, ends[0]);
  }
  close(ends[0]);
  pipe_ = ends[1];
}

Guardian::~Guardian() {
  close(pipe_);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
  munmap(table_, kPlaces * sizeof(Place));
}

Guardian::Seat Guardian::take() {
  for (std::size_t i = 0; i < kPlaces; ++i) {
    pid_t free = 0;
    if (table_[i].group.compare_exchange_strong(free, -1)) return Seat(table_[i]);
  }
  broken_promise(nullptr, "a place for each command", __FILE__, __LINE__);
}

}  // namespace stint::worker
