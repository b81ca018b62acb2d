#include "worker/command/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "common/system/wakeup.hpp"
#include "worker/command/spawn.hpp"

extern char** environ;

namespace stint::worker {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

struct Pipe {
  Descriptor read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "no pipe for a command");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

void never_wait(const Descriptor& end) { fcntl(end.get(), F_SETFL, O_NONBLOCK); }

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

std::string_view variable_name(std::string_view entry) { return entry.substr(0, entry.find('=')); }

// Ours, with `added` in place of those of the same names.
std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const auto same = [&](const std::string& each) { return variable_name(each) == variable_name(*entry); };
    if (std::none_of(added.begin(), added.end(), same)) all.emplace_back(*entry);
  }
  return all;
}

// Keeps its end, after a line that says so; from the start of a line, unless that would cost half of it.
void keep_end(std::string& text, std::size_t limit) {
  constexpr std::string_view kLeftOut = "[the beginning is left out]\n";
  if (text.size() <= limit) return;
  const std::size_t from = text.size() - limit + kLeftOut.size();
  const std::size_t line = text.find('\n', from - 1) + 1;
  const bool is_near = line > 0 && line - from <= limit / 2;
  text.replace(0, is_near ? line : from, kLeftOut);
}

class Process {
 public:
  Process(const Start& start, Guardian::Seat& seat) : start_(start), seat_(seat) {}

  Finished run(const std::stop_token& token);

 private:
  bool begin();
  [[noreturn]] void give_up();
  void turn();
  int patience() const;
  void feed();
  void read_output();
  void read_error();
  bool read_some(Descriptor& from, std::string& into);
  void end_group();
  void end();

  const Start& start_;
  Guardian::Seat& seat_;
  Finished finished_;
  std::string_view input_ = start_.input;
  Descriptor to_input_, from_output_, from_error_, process_fd_;
  pid_t process_ = -1;
  bool ended_ = false;
  bool stopping_ = false;
  TimePoint kill_at_ = TimePoint::max();
  Wakeup stop_;
};

bool Process::begin() {
  Pipe input = make_pipe(), output = make_pipe(), error = make_pipe();
  std::vector<std::string> arguments = start_.arguments, environment = environment_with(start_.environment);
  const std::vector<char*> argument_list = pointers(arguments), environment_list = pointers(environment);
  const SpawnPlan plan{argument_list.data(), environment_list.data(), input.read.get(), output.write.get(),
                       error.write.get()};
  const Spawned spawned = spawn(plan, seat_);
  if (spawned.error != 0) return finished_.start_error = spawned.error, false;
  process_ = spawned.process;
  to_input_ = std::move(input.write);
  from_output_ = std::move(output.read);
  from_error_ = std::move(error.read);
  for (const Descriptor* ours : {&to_input_, &from_output_, &from_error_}) never_wait(*ours);
  process_fd_ = Descriptor(
      static_cast<int>(syscall(SYS_pidfd_open, process_, 0)));  // glibc 2.36 declares pidfd_open() for C only
  if (process_fd_.get() < 0) give_up();
  return true;
}

void Process::give_up() {
  const int error = errno;
  end();
  throw std::system_error(error, std::generic_category(), "no descriptor to watch a command with");
}

Finished Process::run(const std::stop_token& token) {
  if (!begin()) return std::move(finished_);
  {
    const std::stop_callback wake(token, [this] { stop_.wake(); });
    feed();
    while (!ended_) {
      if (token.stop_requested() && !stopping_) end_group();
      turn();
    }
  }
  end();
  return std::move(finished_);
}

void Process::turn() {
  std::array<pollfd, 5> events{{{process_fd_.get(), POLLIN, 0},
                                {stopping_ ? -1 : stop_.fd(), POLLIN, 0},
                                {from_output_.get(), POLLIN, 0},
                                {from_error_.get(), POLLIN, 0},
                                {to_input_.get(), POLLOUT, 0}}};
  if (poll(events.data(), events.size(), patience()) < 0) return;
  if (events[2].revents != 0) read_output();
  if (events[3].revents != 0) read_error();
  if (events[4].revents != 0) feed();
  ended_ = events[0].revents != 0;
  if (!ended_ && now() >= kill_at_) {
    kill(-process_, SIGKILL);
    kill_at_ = TimePoint::max();
  }
}

int Process::patience() const {
  if (kill_at_ == TimePoint::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(kill_at_ - now()).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

void Process::end_group() {
  stopping_ = true;
  kill(-process_, SIGTERM);
  kill_at_ = now() + limits::kCommandGrace;
}

void Process::feed() {
  while (!input_.empty()) {
    const ssize_t written = write(to_input_.get(), input_.data(), input_.size());
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) break;  // it reads no further, which is its own affair
    input_.remove_prefix(static_cast<std::size_t>(written));
  }
  to_input_.close();
}

// False when nothing is there to read now.
bool Process::read_some(Descriptor& from, std::string& into) {
  std::array<char, 65'536> buffer;
  const ssize_t size = read(from.get(), buffer.data(), buffer.size());
  if (size > 0) into.append(buffer.data(), static_cast<std::size_t>(size));
  if (size == 0) from.close();
  return size > 0;
}

void Process::read_output() {
  if (!read_some(from_output_, finished_.output) || finished_.output.size() <= start_.output_limit) return;
  finished_.too_much = true;
  from_output_.close();
  if (!stopping_) end_group();
}

void Process::read_error() {
  read_some(from_error_, finished_.error);
  const std::size_t kept = start_.error_limit + 1;  // one more, so that end() sees that there was more
  if (finished_.error.size() > 2 * kept) finished_.error.erase(0, finished_.error.size() - kept);
}

void Process::end() {
  kill(-process_, SIGKILL);  // what it left behind; its number cannot be another's until it is waited for
  while (from_output_.get() >= 0 && read_some(from_output_, finished_.output) &&
         finished_.output.size() <= start_.output_limit) {
  }
  while (from_error_.get() >= 0 && read_some(from_error_, finished_.error)) {
  }
  finished_.too_much = finished_.too_much || finished_.output.size() > start_.output_limit;
  keep_end(finished_.error, start_.error_limit);
  int status = 0;
  while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) finished_.signal = WTERMSIG(status);
  if (WIFEXITED(status)) finished_.exit = WEXITSTATUS(status);
}

}  // namespace

Finished run_process(const Start& start, Guardian::Seat& seat, const std::stop_token& token) {
  return Process(start, seat).run(token);
}

}  // namespace stint::worker
