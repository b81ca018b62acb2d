// A slot: one thread that runs one task after the other and keeps what came of them until the I/O thread harvests it.
//
//   auto slot = Slot::start(number, common);     // its thread holds on to it, so a stuck handler finds it alive
//   slot->harvest(harvest, with_progress);       // the I/O thread
//   slot->stop(ticket);                          //   ... asks what runs here to stop, when it has been recalled
//   slot->retire();                              //   ... end after the present task
//
// Two uncontended locks a task, no allocation, and the I/O thread is woken only when it sleeps.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/model/limits.hpp"
#include "common/system/wakeup.hpp"
#include "worker/core/session.hpp"
#include "worker/runtime/task_host.hpp"
#include "worker/runtime/work_queue.hpp"

namespace stint::worker {

enum class Sleep : std::uint8_t {
  none,
  brief,  // for a moment; woken when a slot's turn at a piece of work is over
  deep,   // woken by any result
};

// What all slots share with the I/O thread.
struct SlotCommon {
  WorkQueue queue;
  std::shared_ptr<Wakeup> wakeup;
  std::atomic<Sleep> io{Sleep::none};         // how the I/O thread sleeps
  std::atomic<bool> progress_pending{false};  // some slot has progress to tell
  std::atomic<std::uint64_t> max_payload_bytes{limits::kMaxPayloadBytes};
  std::atomic<std::uint64_t> batch_bytes{
      limits::kBatchBytes};  // a slot starts nothing while so much of its results is not harvested

  std::mutex mutex;
  std::condition_variable thread_ended;

  // Out of a sleep as deep as this, or deeper.
  void wake(Sleep from) {
    if (io.load() >= from && io.exchange(Sleep::none) != Sleep::none) wakeup->wake();
  }
};

// What slots have to tell since the last harvest.
struct Harvest {
  struct Ended {
    Ticket ticket{};
    Outcomes outcomes;
  };
  struct Stopped {
    Ticket ticket{};
    std::vector<Run> runs;
  };
  struct Progress {
    Ticket ticket{};
    Index index = 0;
    double fraction = 0;
    std::string note;
  };
  std::vector<Ended> ended;
  std::vector<Stopped> stopped;
  std::vector<Progress> progress;
  Load load;
  std::optional<TimePoint> waiting_since{};  // the oldest result that was left where it is
};

class Slot : public TaskHost {
 public:
  static std::shared_ptr<Slot> start(unsigned number, std::shared_ptr<SlotCommon> common);
  Slot(unsigned number, std::shared_ptr<SlotCommon> common) : number_(number), common_(std::move(common)) {}

  unsigned number() const { return number_; }
  bool is_retired() const { return retired_; }

  // For the I/O thread.
  void harvest(Harvest& into, bool with_progress, TimePoint ripe);  // leaves what is younger than `ripe`, of the lease that it works on
  bool has_news(bool but_present);  // but_present: beside results of the lease that it works on
  void stop(Ticket ticket);  // when the parcel has recalled the task that runs
  void stop_overtime(Ticket ticket, Index index, TimePoint now);
  bool write_off(Ticket ticket, Index index, TimePoint now);  // false: it has just returned
  void retire();
  void abandon();  // for the end: stop what runs, let nothing of it be told
  bool thread_has_ended() const { return ended_; }
  void join();
  void detach();

  // For the task that runs.
  void progress(double fraction, std::string_view note) override;
  std::stop_token stop_token() override;

 private:
  struct Current {
    const Parcel* parcel = nullptr;  // the loop keeps it alive
    Index index = 0;
    TimePoint since{};
    bool recalled = false;                      // nothing of it is to be reported
    std::optional<TimePoint> overtime_since{};  // when it was told to stop for that
    std::optional<Harvest::Progress> progress{};
    std::stop_source stop{std::nostopstate};  // made when the handler asks for it
  };
  struct Segment {
    Ticket ticket{};
    TimePoint since{};  // of its first result
    OutcomesBuilder outcomes;
  };

  void loop();
  void work_on(std::optional<Ticket> ticket);
  bool run(const Parcel& parcel, std::uint32_t position, TimePoint& turn);  // false: the slot is written off
  bool begin(const Parcel& parcel, Index index, TimePoint turn);            // false: recalled meanwhile
  bool end(Ending ending, TimePoint& turn);                                 // false: written off
  void record(Ending& ending, TimePoint turn);
  void wait_for_harvest();
  void add(Ending& ending, TimePoint turn);
  void add_stopped(Ticket ticket, Index index);
  OutcomesBuilder& outcomes_of(Ticket ticket, TimePoint turn);
  bool runs(Ticket ticket, Index index) const;

  const unsigned number_;
  const std::shared_ptr<SlotCommon> common_;
  std::thread thread_;
  std::atomic<bool> retired_{false};
  std::atomic<bool> ended_{false};

  std::mutex mutex_;  // guards what follows
  std::condition_variable harvested_;
  std::optional<Ticket> working_on_;
  std::optional<Current> current_;
  bool written_off_ = false;
  std::vector<Segment> segments_;
  std::vector<Harvest::Stopped> stopped_;
  std::uint64_t bytes_ = 0;  // in the segments
};

}  // namespace stint::worker
