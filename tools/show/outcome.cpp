#include "tools/show/outcome.hpp"

namespace stint::tool {
namespace {

int rank(Exit code) {
  switch (code) {
    case Exit::ok:
      return 0;
    case Exit::tasks_failed:
      return 1;
    case Exit::cancelled:
      return 2;
    default:
      return 3;
  }
}

}  // namespace

bool is_over(const Row& job) {
  const std::string state = job.text("state");
  return state == "ended" || (state == "cancelled" && job.number("left") == 0);
}

Outcome outcome_of(const Row& job) {
  const std::string outcome = job.text("outcome");
  if (outcome == "cancelled" || job.text("state") == "cancelled") return Outcome::cancelled;
  if (outcome.empty() && job.number("cancelled") > 0) return Outcome::cancelled;
  return job.number("failed") > 0 ? Outcome::failed : Outcome::done;
}

Exit exit_of(const Row& job) {
  switch (outcome_of(job)) {
    case Outcome::cancelled:
      return Exit::cancelled;
    case Outcome::failed:
      return Exit::tasks_failed;
    case Outcome::done:
      break;
  }
  return Exit::ok;
}

Exit worse(Exit a, Exit b) { return rank(b) > rank(a) ? b : a; }

}  // namespace stint::tool
