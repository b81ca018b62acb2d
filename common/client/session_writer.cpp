#include "common/client/session_writer.hpp"

#include <algorithm>
#include <utility>

#include "common/model/limits.hpp"
#include "common/model/require.hpp"

namespace stint::client {
namespace {

Problem conflict(std::string text) {
  return {Problem::Kind::conflict, Problem::Scope::all, ErrorCode::conflict, std::move(text)};
}

Problem other_input(Index upto) {
  return conflict("the key belongs to other input: the first " + std::to_string(upto) +
                  " tasks differ from those written now. Write the same tasks in the same order, or use another key");
}

Problem too_short(Index written, Index known) {
  return conflict("the key belongs to longer input: the job has " + std::to_string(known) +
                  " tasks already, and only " + std::to_string(written) +
                  " were written before the close. Write the same tasks, or use another key");
}

Problem forgotten(Index accepted, Index next) {
  return conflict("the broker has lost tasks that it had accepted (it goes on from task " + std::to_string(next) +
                  ", " + std::to_string(accepted) +
                  " were accepted): was its data put back from a copy? Submit under another key");
}

Problem closed_by_others(Index known) {
  return {Problem::Kind::refused, Problem::Scope::writing, ErrorCode::closed,
          "it was closed or cancelled with " + std::to_string(known) + " tasks and takes no more. Open another job"};
}

Problem closed_before(Index known) {
  return {Problem::Kind::refused, Problem::Scope::writing, ErrorCode::closed,
          "it is closed with " + std::to_string(known) +
              " tasks and takes no more: the key belongs to shorter input, or somebody has closed the job. Write the same "
              "tasks, or use another key"};
}

}  // namespace

std::optional<Problem> Writer::add(Batch tasks) {
  STINT_REQUIRE(!close_wanted_);
  if (tasks.count() == 0) return std::nullopt;
  written_ += tasks.count();
  const std::uint64_t bytes = tasks.blob.size();
  pieces_.push_back({std::move(tasks), bytes});
  return learn(known_, known_digest_);
}

std::optional<Problem> Writer::close() {
  close_wanted_ = true;
  hurry_ = true;
  return learn(known_, known_digest_);
}

std::optional<Problem> Writer::opened(const Opened& opened) {
  if (opened.next < accepted_) return forgotten(accepted_, opened.next);
  if (!std::exchange(was_opened_, true)) was_whole_ = opened.closed && opened.state != JobState::cancelled;
  ready_ = true;
  blocked_ = false;
  closed_ = opened.closed;
  limit_tasks_ = opened.limit_tasks;
  limit_bytes_ = opened.limit_bytes;
  rewind();
  return learn(opened.next, opened.digest);
}

std::optional<Problem> Writer::accepted(const Accepted& accepted) {
  blocked_ = false;
  closed_ = accepted.closed;
  limit_tasks_ = accepted.limit_tasks;
  limit_bytes_ = accepted.limit_bytes;
  if (accepted.next < known_) return std::nullopt;
  std::optional<Problem> problem = learn(accepted.next, accepted.digest);
  if (settled()) hurry_ = false;
  return problem;
}

// The broker has the tasks below `next`: forgets ours, and compares what they were.
std::optional<Problem> Writer::learn(Index next, std::uint32_t digest) {
  known_ = next;
  known_digest_ = digest;
  while (accepted_ < known_ && !pieces_.empty()) {
    forget_front(static_cast<std::uint32_t>(std::min<Index>(pieces_.front().tasks.count(), known_ - accepted_)));
  }
  if (close_wanted_ && written_ < known_) return too_short(written_, known_);
  if (accepted_ == known_ && digest_.value() != known_digest_) return other_input(known_);
  if (closed_ && written_ > known_) return was_whole_ ? closed_before(known_) : closed_by_others(known_);
  return std::nullopt;
}

void Writer::forget_front(std::uint32_t count) {
  if (count < pieces_.front().tasks.count()) split(0, count);
  const Piece& front = pieces_.front();
  digest_.add_each(front.tasks);
  accepted_ += count;
  accepted_bytes_ += front.bytes;
  if (sent_pieces_ > 0) {
    --sent_pieces_;
    sent_tasks_ -= count;
    sent_bytes_ -= front.bytes;
  }
  pieces_.pop_front();
}

void Writer::split(std::size_t at, std::uint32_t count) {
  Piece& piece = pieces_[at];
  Piece rest{piece.tasks.slice(count, piece.tasks.count() - count), 0};
  rest.bytes = rest.tasks.blob.size();
  piece.tasks = piece.tasks.slice(0, count);
  piece.bytes -= rest.bytes;
  pieces_.insert(pieces_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(rest));
  if (at < sent_pieces_) ++sent_pieces_;
}

void Writer::rewind() {
  sent_pieces_ = 0;
  sent_tasks_ = 0;
  sent_bytes_ = 0;
  close_sent_ = false;
  asked_ = false;
}

void Writer::go_back(bool wait) {
  rewind();
  blocked_ = wait;
}

void Writer::part() {
  rewind();
  ready_ = false;
}

// How many tasks of an unsent piece the window admits. Where nothing is under way it admits one of any size.
std::uint32_t Writer::fitting(const Piece& piece) const {
  const Index sent = accepted_ + sent_tasks_;
  const std::uint64_t bytes = accepted_bytes_ + sent_bytes_;
  const std::uint64_t tasks_left = limit_tasks_ > sent ? limit_tasks_ - sent : 0;
  std::uint64_t bytes_left = limit_bytes_ > bytes ? limit_bytes_ - bytes : 0;
  const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(tasks_left, piece.tasks.count()));
  if (count == piece.tasks.count() && piece.bytes <= bytes_left) return count;
  std::uint32_t fits = 0;
  while (fits < count && piece.tasks.sizes.at(fits) <= bytes_left) bytes_left -= piece.tasks.sizes.at(fits++);
  return fits == 0 && count > 0 && sent_pieces_ == 0 ? 1 : fits;
}

std::optional<Submit> Writer::next_submit(JobId job) {
  if (!ready_ || blocked_ || !has_unsent()) return std::nullopt;
  const std::uint32_t count = fitting(pieces_[sent_pieces_]);
  if (count == 0) return std::nullopt;
  if (count < pieces_[sent_pieces_].tasks.count()) split(sent_pieces_, count);
  const Piece& piece = pieces_[sent_pieces_++];
  Submit submit{job, accepted_ + sent_tasks_, false, piece.tasks};
  sent_tasks_ += count;
  sent_bytes_ += piece.bytes;
  submit.now = asked_ = must_hear();
  return submit;
}

std::optional<Submit> Writer::next_question(JobId job) {
  if (!ready_ || blocked_ || !hurry_ || asked_ || sent_pieces_ == 0 || has_unsent() || close_wanted_) return std::nullopt;
  asked_ = true;
  const Batch& last = pieces_[sent_pieces_ - 1].tasks;
  return Submit{job, accepted_ + sent_tasks_ - 1, true, last.slice(last.count() - 1, 1)};
}

// Whether it is the next ACCEPTED that lets more go.
bool Writer::must_hear() const {
  if (has_unsent()) return fitting(pieces_[sent_pieces_]) == 0;
  return hurry_ || unheard() + 1 >= limits::kEagerMessages || is_window_used();
}

// Messages under way of which nothing was heard: not that they are accepted, and not so many results that they must be. Counts no
// further than it matters.
std::size_t Writer::unheard() const {
  Index first = accepted_ + sent_tasks_;
  std::size_t messages = 0;
  while (messages < std::min(sent_pieces_, limits::kEagerMessages)) {
    if (first <= ended_) break;
    first -= pieces_[sent_pieces_ - ++messages].tasks.count();
  }
  return messages;
}

bool Writer::is_window_used() const {
  return limit_tasks_ <= accepted_ + sent_tasks_ || (sent_pieces_ > 0 && limit_bytes_ <= accepted_bytes_ + sent_bytes_);
}

std::optional<Close> Writer::next_close(JobId job) {
  if (!ready_ || blocked_ || !close_wanted_ || close_sent_ || closed_ || has_unsent() || is_catching_up()) {
    return std::nullopt;
  }
  close_sent_ = true;
  return Close{job, written_};
}

Appetite Writer::appetite() const {
  if (closed_) return Appetite::anything;  // nothing is sent any more: what is written now is only compared
  if (!ready_) return Appetite::none;
  if (is_catching_up()) return Appetite::anything;
  if (blocked_ || has_unsent()) return Appetite::none;
  if (is_window_used()) return Appetite::none;
  return hurry_ || unheard() < limits::kEagerMessages ? Appetite::anything : Appetite::full_batch;
}

}  // namespace stint::client
