// A small run of the core, recorded: one client, one worker, tasks of many sizes, a failure, a loss, a message that is none.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "broker/record/recorder.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {

constexpr std::string_view kSecret = "a payload that nobody else should read";

// Ends in order. Of a recording that reaches its bound, `news` is what its recorder said.
// `midway` may reach into the core.
void record_small_run(const std::string& path, std::uint64_t most_bytes = limits::kRecordBytes, std::string* news = nullptr,
                      const std::function<void(Broker&, record::Recorder&)>& midway = nullptr);

// Two starts of a broker that keeps its tasks, recorded one by one: killed with tasks undone, it has room for no more for a while, and
// ends in order.
void record_restart(const std::string& before, const std::string& after);

std::string contents(const std::string& path);

// A directory that is gone when this is.
class TempDirectory {
 public:
  TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory();
  std::string file(const char* name = "run.rec") const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace stint::broker
