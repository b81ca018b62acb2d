// A worker of kind obey, for tests of what goes wrong: each payload says how its task ends.
//
//   fail N     fails, and is done from attempt N + 1 on
//   crash N    kills its worker, and is done from attempt N + 1 on
//   wait PATH  is done when whoever holds the FIFO at PATH open for writing has closed it
//   take MS    is done after so many milliseconds, which it spends idly
//   else       is done
//
// The result is the payload. Where the environment names a file in OBEY_LOG, each run is a line there when it begins and
// one when it has ended: begin or end, process, thread, job, index, attempt, and the monotonic clock in nanoseconds.
#include <stint/worker.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <mutex>
#include <sstream>
#include <stop_token>
#include <string>

#include "common/net/clock.hpp"

namespace {

using stint::now;

// Appended in one write, so that lines of several processes do not mix.
void note(const char* what, const stint::Task& task) {
  static const int file = [] {
    const char* path = std::getenv("OBEY_LOG");
    return path == nullptr ? -1 : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  }();
  if (file < 0) return;
  std::ostringstream line;
  line << what << ' ' << getpid() << ' ' << gettid() << ' ' << static_cast<std::uint64_t>(task.job()) << ' ' << task.index() << ' ' << task.attempt() << ' '
       << now().time_since_epoch().count() << '\n';
  const std::string text = std::move(line).str();
  if (write(file, text.data(), text.size()) < 0) std::abort();
}

void take(std::chrono::milliseconds time, const std::stop_token& token) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait_for(lock, token, time, [] { return false; });
}

void obey(stint::Task& task) {
  std::istringstream order{std::string(task.payload().substr(0, 300))};
  std::string verb;
  std::string object;
  order >> verb >> object;
  const auto is_due = [&] { return task.attempt() <= std::stoul(object); };
  if (verb == "fail" && is_due()) task.fail("as ordered");
  if (verb == "crash" && is_due()) std::raise(SIGKILL);
  if (verb == "wait") std::ifstream(object).ignore(std::numeric_limits<std::streamsize>::max());
  if (verb == "take") take(std::chrono::milliseconds(std::stoul(object)), task.stop_token());
}

}  // namespace

int main(int argc, char** argv) {
  stint::Worker worker(stint::WorkerOptions::parse(argc, argv));
  worker.on("obey", [](stint::Task& task) {
    note("begin", task);
    obey(task);
    note("end", task);
    return task.payload();
  });
  return worker.run();
}
