// How Stint's programs end: one table, the same everywhere. `stint help exit-codes` and tools/README.md show it.
#pragma once

#include <array>
#include <string_view>

namespace stint::tool {

enum class Exit : int {
  ok = 0,
  tasks_failed = 1,
  usage = 2,
  cancelled = 3,
  unreachable = 4,
  timeout = 5,
  refused = 6,
  interrupted = 130,
};

struct ExitInfo {
  Exit code;
  std::string_view name;
  std::string_view sentence;
};

constexpr std::array<ExitInfo, 8> kExitCodes = {{
    {Exit::ok, "ok", "all went well"},
    {Exit::tasks_failed, "failed", "the job ended, and some of its tasks failed"},
    {Exit::usage, "usage", "an option, an argument or a file is wrong; nothing was done"},
    {Exit::cancelled, "cancelled", "the job was cancelled"},
    {Exit::unreachable, "unreachable", "no broker answers, or reading or writing failed"},
    {Exit::timeout, "timeout", "the time given with --timeout has passed"},
    {Exit::refused, "refused", "the broker said no: an unknown job, another reader took over, a key with other input"},
    {Exit::interrupted, "interrupted", "ended by ^C or SIGTERM"},
}};

}  // namespace stint::tool
