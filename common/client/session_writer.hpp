// The writing half of one job: tasks wait here from the moment they are handed in until the broker has accepted them.
//
//   Writer writer;
//   writer.opened(opened);                    // after each OPENED: go on from where the broker is
//   writer.add(batch);                        // as appetite() allows
//   while (auto submit = writer.next_submit(job)) send(*submit);
//   writer.accepted(next, digest, ...);       // forget what is below
//
//        0          accepted = known           sent        written
//   -----|--- forgotten ---|--- under way ---|--- waiting ---|
//
// A job that is continued by its key is the same picture with `known` ahead of `accepted`: what is written below it is
// not sent but only digested, and the digest must come out as the broker's. The same comparison is made with every
// ACCEPTED, so that both sides know that they mean the same tasks.
//
// No timer gathers tasks. The first few messages go out as soon as there is a task; while they are unaccepted, tasks
// gather elsewhere up to a full batch, which goes out as far as the window allows. So batches grow with the load and
// with nothing else. The last of the first few says `now`, since its ACCEPTED is what lets the next ones go, and so does
// each that is not followed by another because the window is used up; a lone task before it hears soon anyway, and is
// repeated with `now` when someone waits for that. Where results are read, as many of them show that messages were
// accepted as well as an ACCEPTED would, so that one task after the other needs none.
//
// Pure; owned by the Session. Functions that return a Problem have changed nothing else then.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>

#include "common/client/session_outbox.hpp"
#include "common/model/digest.hpp"

namespace stint::client {

enum class Appetite : std::uint8_t {
  none,        // nothing could be sent now
  full_batch,  // a full batch would be sent, a smaller one had better wait for company
  anything,
};

class Writer {
 public:
  // From the user.
  std::optional<Problem> add(Batch tasks);  // Requires: no close() before
  std::optional<Problem> close();
  void hurry() { hurry_ = true; }  // someone waits until everything is accepted

  // From the broker.
  std::optional<Problem> opened(const Opened& opened);
  std::optional<Problem> accepted(const Accepted& accepted);
  void ended(Index count) { ended_ = std::max(ended_, count); }  // so many results have come in all
  void go_back(bool wait);  // what is under way was not taken: it is sent again, if need be after the next ACCEPTED
  void part();              // the session is over; opened() comes next

  // For the broker; until they return nothing.
  std::optional<Submit> next_submit(JobId job);
  std::optional<Submit> next_question(JobId job);  // the last task once more, when someone waits for an ACCEPTED that was not asked for
  std::optional<Close> next_close(JobId job);

  Appetite appetite() const;
  Index accepted() const { return accepted_; }
  bool closed_as_wanted() const { return closed_ && close_wanted_; }  // and what was written is all that the job has
  bool settled() const { return accepted_ == written_ && (!close_wanted_ || closed_); }
  bool is_whole() const { return closed_ && settled(); }  // nothing is left to write

 private:
  struct Piece {  // one message
    Batch tasks;
    std::uint64_t bytes = 0;
  };

  std::optional<Problem> learn(Index next, std::uint32_t digest);
  void forget_front(std::uint32_t count);
  void rewind();
  std::uint32_t fitting(const Piece& piece) const;
  void split(std::size_t at, std::uint32_t count);
  bool must_hear() const;
  std::size_t unheard() const;
  bool is_window_used() const;
  bool has_unsent() const { return sent_pieces_ < pieces_.size(); }
  bool is_catching_up() const { return written_ < known_; }

  std::deque<Piece> pieces_;      // tasks from accepted_ to written_
  std::size_t sent_pieces_ = 0;   // so many at the front are under way
  std::uint64_t sent_tasks_ = 0;  // in them
  std::uint64_t sent_bytes_ = 0;
  bool ready_ = false;    // OPENED has come in this session
  bool blocked_ = false;  // the broker refused what was under way: wait for its word
  bool hurry_ = false;
  bool asked_ = false;    // what was sent last said `now`
  bool close_wanted_ = false;
  bool close_sent_ = false;
  bool closed_ = false;             // accepted
  bool was_opened_ = false;
  bool was_whole_ = false;          // the job was closed already when its key was opened
  Index known_ = 0;                 // the broker has the tasks below
  std::uint32_t known_digest_ = 0;  // of them
  Index written_ = 0;
  Index accepted_ = 0;
  Index ended_ = 0;  // results that were read: what is below has been accepted, as far as the pace of sending goes
  std::uint64_t accepted_bytes_ = 0;
  Digest digest_;  // of the tasks below accepted_
  std::uint64_t limit_tasks_ = 0;
  std::uint64_t limit_bytes_ = 0;
};

}  // namespace stint::client
