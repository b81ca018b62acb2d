// stint submit: tasks from a pipe into a job, and on request its results into another.
//
// One thread reads standard input and writes tasks, one reads results and writes standard output; the client's own
// thread talks to the broker, so that neither pipe can hold up a heartbeat. The main thread minds signals and whether
// anybody reads our output.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "tools/show/json.hpp"
#include "tools/show/line_source.hpp"
#include "tools/show/outcome.hpp"
#include "tools/show/text.hpp"
#include "tools/stint/crew.hpp"
#include "tools/stint/ending.hpp"
#include "tools/stint/result_printer.hpp"
#include "tools/stint/submit_options.hpp"

namespace stint::tool {
namespace {

int opened(const std::string& file) {
  const bool is_standard = file == "-";
  const int fd = is_standard ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw UsageError("cannot read " + escaped(file) + ": " + std::strerror(errno));
  const std::string what = is_standard ? "standard input" : escaped(file);
  if ((::fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) {
    throw UsageError(what + " is not open for reading: give the tasks in a pipe or a FILE");
  }
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    throw UsageError(what + " is a directory: tasks are the lines of a FILE, such as the names that `ls` writes: ls " +
                     (is_standard ? "." : what) + " | stint submit ...");
  }
  return fd;
}

bool reader_has_left(int fd) {
  pollfd item{fd, 0, 0};
  return ::poll(&item, 1, 0) > 0 && (item.revents & POLLERR) != 0;
}

class Submission {
 public:
  explicit Submission(SubmitOptions options)
      : options_(std::move(options)),
        output_(STDOUT_FILENO),
        console_(STDERR_FILENO),
        lines_(opened(options_.file), options_.separator(), limits::kMaxPayloadBytes) {
    if (options_.quiet) console_.be_quiet();
    if (options_.results && output_.is_terminal()) console_.hide_bar();
  }

  Exit run();

 private:
  bool stays() const { return options_.wait || options_.results; }
  std::string id() const { return std::to_string(value(job_->id())); }

  void feed();
  void write_all();
  void print();
  Exit mind(Crew& crew);
  [[noreturn]] void interrupted(Crew& crew);
  [[noreturn]] void nobody_reads(Crew& crew);
  std::string outlook() const;
  void tell_id();
  Exit finish();

  SubmitOptions options_;
  Output output_;
  Console console_;
  LineSource lines_;
  std::unique_ptr<Client> client_;
  std::optional<Job> job_;
  std::optional<ResultPrinter> printer_;
  TimePoint started_{};
  std::uint64_t written_ = 0;   // tasks; the feeding thread's until it is done
  std::exception_ptr refusal_;  // somebody closed or cancelled the job under our hands; likewise
  std::atomic<bool> is_closed_{false};  // all of the input is in the job, and it was told so
  std::atomic<bool> nobody_reads_{false};
};

Exit Submission::run() {
  client_ = options_.common.connect(console_);
  started_ = now();
  Crew crew;  // from here on ^C is ours: a job that is open has to be cancelled
  job_ = client_->open(options_.job);
  if (job_->resumed() > 0)
    console_.say("job " + id() + " goes on; it has " + std::to_string(job_->resumed()) + " tasks already");
  if (options_.file == "-" && ::isatty(STDIN_FILENO) == 1) console_.say("reading tasks from the terminal: each line is one, ^D ends them");
  crew.start([this] { feed(); });
  if (options_.results) {
    job_->set_ack_mode(AckMode::by_hand);
    printer_.emplace(ResultFormat{.json = options_.common.json, .separator = options_.separator(), .job = job_->id()},
                     output_, console_);
    crew.start([this] { print(); });
  }
  const Exit code = mind(crew);
  return code == Exit::ok ? finish() : code;
}

void Submission::write_all() {
  std::string_view line;
  try {
    for (; lines_.next(line); ++written_) job_->write(line);
  } catch (const std::system_error& error) {
    throw std::runtime_error(std::string(error.what()) + "; " + outlook());
  }
  job_->close();
  job_->flush();
  is_closed_ = true;
}

void Submission::feed() {
  try {
    write_all();
  } catch (const Refused& error) {
    if (error.code() != ErrorCode::closed && error.code() != ErrorCode::not_in_state) throw;
    refusal_ = std::current_exception();
  }
  if (lines_.is_too_long()) {
    console_.say("line " + std::to_string(lines_.number()) + " is longer than a task may be (" +
                 std::to_string(limits::kMaxPayloadBytes) + " bytes). The " + std::to_string(written_) +
                 " tasks before it are submitted; put large data into a file and submit its name");
  }
  if (!options_.results) tell_id();
  if (options_.wait && !options_.results) job_->wait();
}

void Submission::print() { nobody_reads_ = printer_->follow(*job_) == ResultPrinter::Stop::nobody_reads; }

void Submission::tell_id() {
  if (!options_.common.json) {
    output_.write(id() + "\n");
  } else if (!options_.wait) {
    output_.write(json_line({{"job", value(job_->id())}, {"key", job_->key()}, {"tasks", written_}}));
  }
}

// What becomes of the job without us, and what one can do about it.
std::string Submission::outlook() const {
  if (is_closed_) return "job " + id() + " goes on. Wait for it: stint wait " + id() + "   End it: stint cancel " + id();
  return "job " + id() + " stays open, with the tasks that the broker has accepted. Let it end with those: stint close " + id() +
         "   End it at once: stint cancel " + id();
}

Exit Submission::mind(Crew& crew) {
  crew.show_progress(*client_, console_, std::vector{job_->id()},
                     [this] { return printer_ && printer_->is_writing(); });
  const TimePoint deadline = options_.timeout == Duration::zero() ? TimePoint::max() : started_ + options_.timeout;
  for (;;) {
    const Crew::News news = crew.wait(std::min(deadline, now() + limits::kJobPoll));
    if (nobody_reads_ || (options_.results && reader_has_left(STDOUT_FILENO))) nobody_reads(crew);
    switch (news) {
      case Crew::News::all_done:
        return crew.end_progress(), Exit::ok;
      case Crew::News::interrupted:
        interrupted(crew);
      case Crew::News::failed:
        console_.clear();
        leave(explained(crew.failure()), crew, console_, client_);
      case Crew::News::deadline:
        break;
    }
    if (now() >= deadline) {
      console_.say("the time given with --timeout is over; " + outlook());
      leave(Exit::timeout, crew, console_, client_);
    }
  }
}

void Submission::interrupted(Crew& crew) {
  console_.clear();
  if (options_.results && !options_.detach) {
    console_.say("interrupted; job " + id() + " is cancelled");
    leave(Exit::interrupted, crew, console_, client_, [this] { job_->cancel(); });
  }
  console_.say("interrupted; " + outlook());
  leave(Exit::interrupted, crew, console_, client_);
}

void Submission::nobody_reads(Crew& crew) {
  if (options_.detach) leave(Exit::ok, crew, console_, client_);
  leave(Exit::ok, crew, console_, client_, [this] { job_->cancel(); });
}

Exit Submission::finish() {
  const Exit read = lines_.is_too_long() ? Exit::refused : Exit::ok;
  if (!stays() && !refusal_) return read;
  const Row row = row_of(*client_, job_->id());
  const Exit ended = exit_of(row);
  if (refusal_ && ended != Exit::cancelled) std::rethrow_exception(refusal_);
  if (!options_.quiet) summarize(console_, row, now() - started_, printer_ ? &printer_->failures() : nullptr);
  if (options_.wait && !options_.results && options_.common.json) output_.write(json_line(to_json(row)));
  return worse(ended, read);
}

}  // namespace

Exit submit(const Invocation& call) {
  auto options = SubmitOptions::parse(call);
  return options ? Submission(std::move(*options)).run() : Exit::ok;
}

}  // namespace stint::tool
