// A recording, record by record (broker/record/format.hpp says how it lies in its file).
//
//   Recording recording(stream);                    // throws RefusedRecording: no recording, or damaged; and where
//   Broker core(recording.options());
//   Record record;
//   while (recording.next(record)) ...              // the inputs, in order
//   recording.ending();                             // why there is no more
//
// A broker that was killed leaves a recording that breaks off within a record: that one is left out, and its ending says so.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "broker/core/inputs.hpp"
#include "broker/record/format.hpp"
#include "tests/replayer/reader.hpp"

namespace stint::replay {

struct Record {
  std::uint64_t number = 0;  // from 1: 0 is the head
  std::uint64_t at = 0;      // where it begins in the file, bytes
  broker::Input input;
  bool returned = false;  // false: a promise was broken here
  std::vector<broker::record::Output> outputs;
};

class Recording {
 public:
  explicit Recording(std::istream& stream);

  bool next(Record& record);

  const broker::Options& options() const { return options_; }
  const std::string& version() const { return version_; }
  const std::string& ending() const { return ending_; }
  std::uint64_t records() const { return number_; }

 private:
  void read_file_head();
  void read_options();
  bool read_body(std::string& body);
  bool breaks_off();
  void parse(std::string_view body, Record& record);
  [[noreturn]] void refuse(const std::string& why) const;

  std::istream& stream_;
  broker::Options options_;
  std::string version_;
  std::string ending_;
  std::uint64_t number_ = 0;  // of the next record
  std::uint64_t at_ = 0;      // where it begins
  std::uint64_t next_at_ = 0;
  TimePoint time_{};
};

}  // namespace stint::replay
