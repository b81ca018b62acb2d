// The worker's I/O thread: line, session and executor in one loop, until the session says leave. Handlers never hold it
// up.
//
//   Loop loop(owner, options);      // throws EndpointError
//   return loop.run();              // the exit code
//
// One turn: signals and wishes, a bounded number of messages, what the slots have to tell, what is due, and then it
// does what the session has said, and sleeps until a socket, a slot, a wish, a signal or the next deadline.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "common/net/link.hpp"
#include "common/net/signals.hpp"
#include "common/system/wakeup.hpp"
#include "worker/core/session.hpp"
#include "worker/runtime/executor.hpp"

namespace stint::worker {

// What other threads have asked for since the loop last looked.
struct Wishes {
  bool offer = false;  // kinds or slots have changed
  bool drain = false;
  Duration deadline{};
};

// What the loop needs to know of its owner, who answers from any thread.
class LoopOwner {
 public:
  LoopOwner() = default;
  LoopOwner(const LoopOwner&) = delete;
  LoopOwner& operator=(const LoopOwner&) = delete;
  virtual ~LoopOwner() = default;

  virtual Wishes take_wishes() = 0;
  virtual std::vector<std::string> kinds() const = 0;
  virtual unsigned slots() const = 0;
  virtual std::shared_ptr<const Handler> handler_of(const std::string& kind) const = 0;  // null: none any more
  virtual void say(const std::string& line) const = 0;
};

class Loop {
 public:
  // Wakes at `wakeup`. Without a context of the caller's it makes one.
  Loop(LoopOwner& owner, const SessionOptions& options, zmq::context_t* context, std::shared_ptr<Wakeup> wakeup,
       bool handle_signals);

  int run();
  bool is_stuck() const { return stuck_; }  // after run(): a handler has not returned

 private:
  void heed_signals();
  void grant_wishes();
  void receive();
  void harvest();
  void perform();
  void wait_for_work();
  int end();

  void act(const Connect&) { link_.connect(); }
  void act(const Send& action);
  void act(const RunTasks& action);
  void act(const StopTasks& action) { session_.given_back(turn_, action.ticket, executor_.stop(action), out_); }
  void act(const StopOvertime& action) { executor_.stop_overtime(action, turn_); }
  void act(const WriteOff& action);
  void act(const HoldBack& action) { executor_.hold_back(action.on); }
  void act(const Obey& action) { executor_.obey(action); }
  void act(const Say& action) { owner_.say(action.text); }
  void act(const Leave& action);

  LoopOwner& owner_;
  std::shared_ptr<Wakeup> wakeup_;
  std::optional<Signals> signals_;
  int signals_heeded_ = 0;
  std::optional<zmq::context_t> own_context_;
  Link link_;
  TimePoint turn_;
  Session session_;
  Executor executor_;
  Outbox out_;
  bool said_bye_ = false;
  bool said_malformed_ = false;
  std::optional<int> exit_code_;
  bool stuck_ = false;
};

}  // namespace stint::worker
