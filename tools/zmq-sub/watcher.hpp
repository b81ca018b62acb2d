// Watches an events socket and shows what it hears, until told to stop, the watched job ends, or nobody reads any more.
//
//   Watcher watcher(WatchOptions::parse(arguments));
//   return watcher.run();                  // the exit code
//
// One thread. A watcher that shows slower than events come misses some; the next one has the full counts, and the gap
// is told.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/net/signals.hpp"
#include "common/net/subscriber.hpp"
#include "tools/show/exit_codes.hpp"
#include "tools/show/output.hpp"
#include "tools/watch/filter.hpp"
#include "tools/watch/silence.hpp"
#include "tools/zmq-sub/options.hpp"
#include "tools/zmq-sub/screen.hpp"

namespace stint::tool {

class Watcher {
 public:
  explicit Watcher(WatchOptions options);  // throws EndpointError
  Exit run();

 private:
  bool is_over() const { return exit_.has_value(); }
  void subscribe();
  void read_all(TimePoint now);
  void take(TimePoint now, const std::vector<std::string>& frames);
  void show(TimePoint now, const Told& told);
  void mind_the_store(StoreId store);
  void mind_the_end(const Event& event);
  void mind_the_silence(TimePoint now);
  void mind_the_absent(TimePoint now);
  void say(const std::string& line);
  void redraw(TimePoint now, bool at_once);
  void write(std::string_view bytes);
  bool wants(const std::string& topic) const;
  std::vector<std::string>::iterator awaited(const Event& event);
  TimePoint next_deadline() const;

  WatchOptions options_;
  zmq::context_t context_;
  Subscriber events_;
  Signals signals_;
  Output output_;
  EventFilter filter_;
  Silence silence_;
  Screen screen_;
  TimePoint started_{};
  TimePoint redrawn_{};
  StoreId store_{};                   // of the broker that was heard last
  bool asked_for_all_ = false;
  bool anything_heard_ = false;
  bool absent_told_ = false;          // whoever or whatever was not there some seconds after the start
  bool is_away_ = false;              // the broker, as was told last
  std::vector<std::string> awaited_;  // the jobs of --until-end that have not ended
  std::set<std::string> met_;         // those that are there
  Exit worst_ = Exit::ok;             // of those that have
  std::optional<Exit> exit_;
};

}  // namespace stint::tool
