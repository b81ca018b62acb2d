// What becomes of our own bugs in a broker that serves: it says which promise broke, completes the recording if there is one, and ends
// with kSoftwareError. So nobody is told a wrong number, and the report is a file.
//
//   const EndOnBrokenPromise guard(shell.recorder());       // for as long as it lives; one at a time
#pragma once

#include "broker/record/recorder.hpp"

namespace stint::broker {

constexpr int kSoftwareError = 70;  // EX_SOFTWARE of sysexits.h

class EndOnBrokenPromise {
 public:
  explicit EndOnBrokenPromise(record::Recorder* recorder);  // null: nothing is recorded
  EndOnBrokenPromise(const EndOnBrokenPromise&) = delete;
  EndOnBrokenPromise& operator=(const EndOnBrokenPromise&) = delete;
  ~EndOnBrokenPromise();
};

}  // namespace stint::broker
