#include "tools/stint/submit_options.hpp"

#include <cstdint>

#include "common/model/limits.hpp"
#include "common/model/utf8.hpp"
#include "tools/show/text.hpp"

namespace stint::tool {
namespace {

void require_name(std::string_view option, std::string_view name) {
  if (name.size() > limits::kMaxNameBytes) {
    throw UsageError(std::string(option) + " has " + std::to_string(name.size()) + " bytes; it may have " +
                     std::to_string(limits::kMaxNameBytes));
  }
  if (!is_utf8(name)) throw UsageError(std::string(option) + " wants text in UTF-8, not \"" + escaped(name) + "\"");
}

struct Reading {
  SubmitOptions submit;
  std::int64_t priority = 0;
  std::int64_t max_attempts = limits::kDefaultMaxAttempts;
  std::int64_t max_losses = limits::kDefaultMaxLosses;
  std::int64_t max_failures = 0;
  Duration time_limit{};
  Duration backoff = limits::kDefaultBackoffBase;
  bool in_order = false;
  bool keep = false;
  bool discard = false;

  Options options() {
    JobOptions& job = submit.job;
    Options options = submit.common.options_and_json();
    options.text("kind", 'K', "KIND", "what the tasks ask for; workers that offer it run them (required)", job.kind);
    options.text("name", 'n', "NAME", "what people call the job", job.name);
    options.text("key", 0, "KEY", "the same key with the same input continues the same job, instead of a second one",
                 job.key);
    options.number("priority", 'p', "NUMBER", "higher goes strictly first (default: 0)", INT32_MIN, INT32_MAX,
                   priority);
    options.number("max-attempts", 0, "N", "how often a failing task is tried (default: 3)", 1, UINT32_MAX,
                   max_attempts);
    options.number("max-losses", 0, "N", "workers that a task may take down before it fails (default: 3)", 1,
                   UINT32_MAX, max_losses);
    options.seconds("backoff", 0, "SECONDS", "the wait before the first retry; doubled each time (default: 1)",
                    backoff);
    options.seconds("time-limit", 't', "SECONDS", "of one attempt (default: none)", time_limit);
    options.number("max-failures", 0, "N", "pause the job beyond so many failed tasks (default: never)", 1, INT64_MAX,
                   max_failures);
    options.flag("wait", 'w', "wait for the end", submit.wait);
    options.flag("results", 'r', "write the results to standard output as they come", submit.results);
    options.flag("in-order", 'k', "results in the order of the tasks", in_order);
    options.flag("null", '0', "tasks are separated by NUL, and so are the results", submit.nul);
    options.flag("keep", 0, "keep the results until `stint forget` (the default without --results)", keep);
    options.flag("discard", 0, "drop the results; only how the tasks ended is kept", discard);
    options.flag("detach", 0, "with --results: the job goes on when we are interrupted or nobody reads any more",
                 submit.detach);
    options.seconds("timeout", 0, "SECONDS", "wait no longer than this; the job goes on", submit.timeout);
    options.flag("quiet", 'q', "no bar and no summary", submit.quiet);
    return options;
  }

  void require_sense() const {
    if (submit.job.kind.empty())
      throw UsageError("--kind KIND is missing: what are the tasks for? `stint workers` shows the kinds offered");
    require_name("--kind", submit.job.kind);
    require_name("--name", submit.job.name);
    require_name("--key", submit.job.key);
    if (keep && discard) throw UsageError("--keep and --discard exclude each other");
    if (submit.results && discard) throw UsageError("--results has nothing to write with --discard");
    if (in_order && !submit.results)
      throw UsageError("-k orders what --results writes; give both, or `stint results JOB -k` later");
    if (submit.detach && !submit.results)
      throw UsageError("--detach is for a job of --results, which ends when nobody reads it; any other goes on anyway");
    if (submit.timeout > Duration::zero() && !submit.wait && !submit.results)
      throw UsageError("--timeout bounds the waiting of --wait or --results; give one of them");
  }

  SubmitOptions taken() {
    JobOptions& job = submit.job;
    job.priority = static_cast<std::int32_t>(priority);
    job.max_attempts = static_cast<std::uint32_t>(max_attempts);
    job.max_losses = static_cast<std::uint32_t>(max_losses);
    job.max_failures = static_cast<std::uint64_t>(max_failures);
    job.time_limit = std::chrono::ceil<std::chrono::milliseconds>(time_limit);
    job.backoff_base = std::chrono::ceil<std::chrono::milliseconds>(backoff);
    job.backoff_cap = std::max(job.backoff_base, job.backoff_cap);
    job.order = in_order;
    job.results = discard                   ? ResultsPolicy::discard
                  : submit.results && !keep ? ResultsPolicy::stream
                                            : ResultsPolicy::keep;
    return std::move(submit);
  }
};

}  // namespace

std::optional<SubmitOptions> SubmitOptions::parse(const Invocation& call) {
  Reading reading;
  Options options = reading.options();
  const auto rest = call.parse(options);
  if (!rest) return std::nullopt;
  if (!rest->empty()) reading.submit.file = only(*rest, "a file");
  reading.require_sense();
  return reading.taken();
}

}  // namespace stint::tool
