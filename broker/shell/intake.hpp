// The one way into the core: whatever it is told passes here, and is recorded if that was asked for.
//
//   intake.tell(input::Tick{turn}, out);
//
// Used by the thread that turns the loop. Core and recorder must outlive it.
#pragma once

#include "broker/core/inputs.hpp"
#include "broker/record/recorder.hpp"

namespace stint::broker {

class Intake {
 public:
  Intake(Broker& core, record::Recorder* recorder) : core_(core), recorder_(recorder) {}  // null: nothing is recorded

  void tell(const Input& input, Outbox& out);

 private:
  Broker& core_;
  record::Recorder* recorder_;
};

}  // namespace stint::broker
