// A recorded run once more: the core is told what it was told, and what it wants is held against what it wanted then.
//
//   Replay replay(recording);
//   if (auto difference = replay.run()) std::cout << *difference;       // the first one, for people
//
// The whole ledger is checked after each record. A broken promise is no value: it goes to the handler of broken_promise().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/replayer/recording.hpp"

namespace stint::replay {

class Replay {
 public:
  explicit Replay(Recording& recording) : recording_(recording), core_(recording.options()) {}

  std::function<void(const std::string&)> say = nullptr;  // set: hears every input and output
  bool outputs_matter = true;                             // false: they may differ; only promises are checked

  // Throws RefusedRecording where it is damaged.
  std::optional<std::string> run();

  const Record& record() const { return record_; }  // the last one
  std::uint64_t inputs() const { return inputs_; }
  std::uint64_t outputs() const { return outputs_; }
  std::uint64_t differing() const { return differing_; }
  const std::vector<std::string>& endings() const { return endings_; }  // what the log said of jobs that ended

 private:
  std::optional<std::string> step();
  std::string difference(const std::vector<broker::Action>& actions) const;
  void note(const std::vector<broker::Action>& actions);

  Recording& recording_;
  broker::Broker core_;
  broker::Outbox out_;
  Record record_;
  std::uint64_t inputs_ = 0;
  std::uint64_t outputs_ = 0;
  std::uint64_t differing_ = 0;
  std::vector<std::string> endings_;
};

}  // namespace stint::replay
