// Writes down everything that the core is told, so that a run can be replayed (tests/replay): a bug report is a file.
//
//   Recorder recorder(path, most_bytes, options);        // throws RecordError, naming the file and what helps
//   recorder.told(input);                                 // before the core is called ...
//   recorder.answered(actions);                           // ... and what it wanted done; both cost no wait for the disk
//   if (auto why = recorder.news()) log(*why);            // it has ended early; nothing more is recorded
//   recorder.end("the broker has ended");
//
// Of payloads and contexts only sizes and checksums are written. At its bound, or when the disk fails, it stops: the broker goes on.
// What format.hpp says is what lies in the file. Used by the thread that turns the loop; promise_is_broken() by any.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/core/inputs.hpp"
#include "broker/record/background_file.hpp"
#include "broker/record/writer.hpp"

namespace stint::broker::record {

class RecordError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Recorder {
 public:
  Recorder(const std::string& path, std::uint64_t most_bytes, const Options& options);

  void told(const Input& input);
  void answered(const std::vector<Action>& actions);
  void end(std::string_view reason);  // once; what follows is not recorded
  std::optional<std::string> news();  // why it has ended before end() was called; told once

  // The process ends now, perhaps within what the core was told last. All that was recorded is in the file afterwards.
  void promise_is_broken();

  const std::string& path() const { return path_; }

 private:
  void write_head(const Options& options);
  void finish_record();
  void give_up(std::string why);

  std::string path_;
  std::uint64_t most_bytes_;
  BackgroundFile file_;
  Writer body_;
  Writer frame_;
  std::thread::id loop_;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
  bool open_ = true;
  std::optional<std::string> news_;
};

}  // namespace stint::broker::record
