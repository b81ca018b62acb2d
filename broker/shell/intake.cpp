#include "broker/shell/intake.hpp"

#include <utility>
#include <vector>

namespace stint::broker {

void Intake::tell(const Input& input, Outbox& out) {
  if (recorder_ == nullptr) return broker::tell(core_, input, out);
  recorder_->told(input);
  Outbox answer;
  broker::tell(core_, input, answer);
  std::vector<Action> actions = answer.take();
  recorder_->answered(actions);
  for (Action& action : actions) out.add(std::move(action));
}

}  // namespace stint::broker
