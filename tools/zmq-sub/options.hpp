// The command line of zmq-sub.
#pragma once

#include <string>
#include <vector>

namespace stint::tool {

struct WatchOptions {
  std::string endpoint = "tcp://127.0.0.1:5556";
  std::vector<std::string> topics;
  bool topics_given = false;
  std::vector<std::string> until_end;  // jobs by number, name or key; none = go on for ever
  bool bars_or_json = false;           // said explicitly
  bool bars = false;
  bool help = false;
  bool version = false;

  // Throws UsageError. `environment` is STINT_EVENTS, or null.
  static WatchOptions parse(const std::vector<std::string>& arguments, const char* environment);
  static std::string help_text();
};

}  // namespace stint::tool
