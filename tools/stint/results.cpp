// stint results: what a job has given so far, or until its end.
#include <unistd.h>

#include "common/net/clock.hpp"
#include "tools/show/outcome.hpp"
#include "tools/stint/command.hpp"
#include "tools/stint/crew.hpp"
#include "tools/stint/ending.hpp"
#include "tools/stint/result_printer.hpp"

namespace stint::tool {
namespace {

struct ResultsOptions {
  Common common;
  bool follow = false;
  bool in_order = false;
  bool nul = false;
  bool failed = false;
  bool quiet = false;

  Options options() {
    Options options = common.options_and_json();
    options.flag("follow", 'f', "until the job has ended", follow);
    options.flag("in-order", 'k', "in the order of the tasks", in_order);
    options.flag("null", '0', "end each with a NUL instead of a newline", nul);
    options.flag("failed", 0, "only the failed tasks: index, attempts, and what they said", failed);
    options.flag("quiet", 'q', "no summary", quiet);
    return options;
  }
};

// Why an ended job, whose tasks were done, gave nothing. One that keeps its results gives them.
std::string_view why_none(const Row& row) {
  return row.text("results") == "discard" ? "  its results were dropped: submit without --discard to keep them"
                                          : "  its results were read as they came: submit with --keep to read them again";
}

}  // namespace

Exit results(const Invocation& call) {
  ResultsOptions options;
  Options known = options.options();
  const auto rest = call.parse(known);
  if (!rest) return Exit::ok;
  const std::string selector = only(*rest, "JOB");

  Output output(STDOUT_FILENO);
  Console console(STDERR_FILENO);
  if (options.quiet) console.be_quiet();
  if (output.is_terminal()) console.hide_bar();
  auto client = options.common.connect(console);
  Job job = client->attach(selector, {.ack = AckMode::by_hand, .order = options.in_order});
  ResultPrinter printer({.json = options.common.json,
                         .failed_only = options.failed,
                         .separator = options.nul ? '\0' : '\n',
                         .job = job.id()},
                        output, console);
  ResultPrinter::Stop stop{};
  Crew crew;
  const Row present = row_of(*client, job.id());
  if (options.follow) crew.show_progress(*client, console, std::vector{job.id()}, [&printer] { return printer.is_writing(); });
  crew.start([&] {
    if (options.follow || is_over(present)) {
      stop = printer.follow(job);
    } else if (options.in_order) {
      stop = printer.read_to_gap(job, [&] { return row_of(*client, job.id()).number("fetching") == 0; });
    } else {
      stop = printer.read_so_many(job, present.number("unread"));
    }
  });
  switch (crew.wait(TimePoint::max())) {
    case Crew::News::failed:
      console.clear();
      leave(explained(crew.failure()), crew, console, client);
    case Crew::News::interrupted:
      console.say("interrupted");
      leave(Exit::interrupted, crew, console, client);
    case Crew::News::all_done:
    case Crew::News::deadline:
      break;
  }
  crew.end_progress();
  if (stop == ResultPrinter::Stop::nobody_reads) return Exit::ok;
  const Row row = row_of(*client, job.id());
  if (stop == ResultPrinter::Stop::nothing_more) {
    if (!options.quiet && !options.failed) console.add(plain_line(gauge_of(row)) + "; --follow waits for the rest");
    return Exit::ok;
  }
  if (!options.quiet && !options.failed) {
    summarize(console, row, std::nullopt, &printer.failures());
    if (printer.written() == 0 && row.number("done") > 0) console.add(why_none(row));
  }
  return exit_of(row);
}

}  // namespace stint::tool
