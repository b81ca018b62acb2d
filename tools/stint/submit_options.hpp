// The command line of `stint submit`.
#pragma once

#include <optional>
#include <string>

#include "stint/job.hpp"
#include "tools/stint/command.hpp"

namespace stint::tool {

struct SubmitOptions {
  Common common;
  JobOptions job;
  std::string file = "-";
  bool nul = false;  // tasks end in NUL, results too
  bool wait = false;
  bool results = false;
  bool detach = false;  // the job goes on without us, whatever becomes of us
  bool quiet = false;
  Duration timeout{};  // 0 = none

  char separator() const { return nul ? '\0' : '\n'; }

  // Nothing when --help was asked for and answered. Throws UsageError.
  static std::optional<SubmitOptions> parse(const Invocation& call);
};

}  // namespace stint::tool
