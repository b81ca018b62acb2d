// The broker as a part of a process: sockets, loop and log around the core. stint-broker is this with a main(); a
// program can have it beside workers of its own in one context.
//
//   zmq::context_t context;
//   Shell shell(context, options, store, logger);       // binds; throws EndpointError
//   std::cout << shell.listen() << '\n';
//   const bool in_order = shell.run();                  // until stop() or a signal
//
// One turn of the loop: wait; read the clock; take in subscriptions and messages, each in a bounded batch; step the
// core with each; tell it that the socket was drained; let it do what is due; then carry out what it wants until it
// wants nothing more: send, publish, store, and tell it what the store has made durable.
//
// run() belongs to one thread; the sockets may have been made by another one before. stop() may be called from any.
// Context, store and logger must outlive it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <zmq.hpp>

#include "broker/core/broker.hpp"
#include "broker/record/recorder.hpp"
#include "broker/shell/intake.hpp"
#include "broker/shell/options.hpp"
#include "broker/shell/publisher.hpp"
#include "broker/shell/router.hpp"
#include "broker/shell/strangers.hpp"
#include "broker/store/store.hpp"
#include "common/net/signals.hpp"
#include "common/system/wakeup.hpp"

namespace spdlog {
class logger;
}

namespace stint::broker {

class Shell {
 public:
  // `found` is what the store held when it was opened.
  Shell(zmq::context_t& context, const ShellOptions& options, StoreInterface& store, spdlog::logger& logger, Found found = {});
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  const std::string& listen() const { return router_.endpoint(); }  // with the real port
  const std::string& events() const { return publisher_.endpoint(); }

  // True: said goodbye to everyone and ended. False: asked twice, and ended at once. `signals`, if given, ask as stop()
  // does. Throws StoreError: nothing more is durable, and the process has to end at once.
  bool run(Signals* signals = nullptr);

  record::Recorder* recorder() const { return recorder_.get(); }  // null: nobody asked for one

  void stop() noexcept;  // once: finish properly; twice: at once

 private:
  // Of something that was begun since the last wait, and mostly is over in a moment.
  struct Expectation {
    bool is_there = false;
    bool was_short = false;  // the last one

    bool is_worth_waiting() const { return is_there && was_short; }
    void settle(bool shortly) {
      if (std::exchange(is_there, false)) was_short = shortly;
    }
  };

  void wait_for_work(const Signals* signals);
  int times_asked(Signals* signals);
  void turn(int asked);
  void check_ledger();
  void begin_to_leave();
  void take_subscriptions();
  void take_messages();
  void take(Mail mail);
  void refuse(const Mail& mail, const DecodeError& error);
  void refuse_own_address(const Mail& mail);
  void carry_out();
  void carry_out(Send& action);
  void carry_out(Publish& action) { publisher_.publish(action.event); }
  void carry_out(Store& action);
  void carry_out(Fetch& action) { store_.fetch(std::move(action.wanted)); }
  void carry_out(Log& action);
  void carry_out(Finished&) { finished_ = true; }

  ShellOptions options_;
  StoreInterface& store_;
  spdlog::logger& logger_;
  Router router_;
  Publisher publisher_;
  Found found_;
  Broker core_;
  std::unique_ptr<record::Recorder> recorder_;  // null: nobody asked for one
  Intake intake_;
  Outbox out_;
  Strangers strangers_;
  Wakeup wakeup_;
  std::atomic<int> stops_{0};
  TimePoint turn_{};  // the time, constant within a turn
  TimePoint leave_by_ = TimePoint::max();
  std::size_t read_since_drained_ = 0;
  std::size_t turns_unchecked_ = 0;
  bool more_to_read_ = false;  // the last turn left messages in the socket
  bool only_heartbeats_ = false;  // the last turn brought nothing else
  Expectation answer_;            // to a lone task or result that was sent
  Expectation commit_;            // of one that was given to the store
  bool leaving_ = false;
  bool finished_ = false;
};

}  // namespace stint::broker
