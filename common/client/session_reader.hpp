// The reading half of one job: which results have come, which were consumed, and when the broker must hear of it.
//
//   Reader reader;
//   reader.start({.results = true}, 1);
//   send(reader.attach(job));                            // at once, and after each WELCOME
//   if (reader.take(results)) hand_over(results);        // what came before is dropped
//   reader.consumed(now, position);
//   if (auto ack = reader.next_ack(now, job)) send(*ack);   // at the latest at reader.ack_due()
//
// Positions count the results of a job (in an ordered job they are the indices): consumed <= received <= told + window.
// An acknowledgement leaves when half a window was consumed, when everything was and the last one is a moment ago, and
// in any case soon: so a stream of results costs one for each half window, and a slow one is not held up.
//
// Pure; owned by the Session.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "common/model/messages.hpp"
#include "common/model/time.hpp"

namespace stint::client {

struct Reading {
  bool results = true;  // false: only how the job stands
  bool order = false;
  std::uint64_t from = 0;  // everything before is of no interest
};

class Reader {
 public:
  // True when ATTACH has to be sent: nothing, or less, was asked for before. `number` tells what comes then from what was under way to
  // other readings of the same job.
  bool start(const Reading& reading, std::uint64_t number);
  void stop() { active_ = false; }  // detached, displaced, or gone

  Attach attach(JobId job);  // from what was consumed
  void attached(ReaderId reader) { reader_ = reader; }

  bool take(JobResults& results);   // trims what came before; false when nothing new is left
  bool end();                       // the job has ended: no more follow. False when that was known
  void consumed(TimePoint now, std::uint64_t upto);
  std::optional<Ack> next_ack(TimePoint now, JobId job);  // when it is due
  void hurry() { ack_due_ = consumed_ == told_ ? TimePoint::max() : TimePoint::min(); }
  TimePoint ack_due() const { return ack_due_; }

  bool active() const { return active_; }
  bool is_of(std::uint64_t reading) const { return active_ && reading == reading_number_; }
  bool ended() const { return ended_; }
  bool exhausted() const { return ended_ && consumed_ == received_; }
  // The broker knows all that it has to know: it has told the end in answer to an ATTACH behind the last result. That the
  // last acknowledgement was sent proves nothing, as the connection may have been lost with it.
  bool settled() const { return settled_; }
  std::uint64_t ack_at() const;  // consuming less than up to here causes no acknowledgement but the timely one

 private:
  struct Arrival {
    std::uint64_t end = 0;    // position behind it
    std::uint64_t bytes = 0;  // of all results up to there
  };

  std::uint64_t position(const Outcomes& outcomes, std::uint64_t first, std::uint32_t i) const;
  bool half_used() const;

  Reading reading_;
  std::uint64_t reading_number_ = 0;
  bool active_ = false;
  bool ended_ = false;
  bool settled_ = false;
  ReaderId reader_{};
  std::uint64_t attached_at_ = 0;  // the position that the last ATTACH gave
  std::uint64_t received_ = 0;
  std::uint64_t consumed_ = 0;
  std::uint64_t told_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t consumed_bytes_ = 0;
  std::uint64_t told_bytes_ = 0;
  std::deque<Arrival> arrivals_;  // those not wholly consumed
  TimePoint last_ack_{};
  TimePoint ack_due_ = TimePoint::max();
};

}  // namespace stint::client
