// What the client's own thread does: turns of a loop, and carrying out what the session wants.
#include <algorithm>
#include <exception>
#include <utility>

#include "common/client/shell.hpp"
#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "common/net/wait.hpp"

namespace stint::client {

void Shell::run() {
  try {
    for (;;) {
      turn();
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) break;
      }
      if (drained_) wait({link_.socket(), wakeup_.fd()}, deadline(now()));
    }
    leave();
    set_trouble(Trouble::ended, "the client has ended: its jobs go on, open() or attach() them with another one");
  } catch (const std::exception& error) {
    set_trouble(Trouble::refused, "the client cannot go on with " + endpoint_ + ": " + error.what());
  }
  notify_all();
  channels_.clear();
  requests_.clear();
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  tasks_.clear();
}

void Shell::turn() {
  const TimePoint present = now();
  wakeup_.clear();
  run_tasks(present);
  serve_touched(present);
  carry_out(present);
  read_socket(present);
  if (present >= poll_at_) poll_consumed(present);
  session_.tick(present, out_);
  carry_out(present);
  check_patience(present);
}

void Shell::run_tasks(TimePoint now) {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const Task& task : tasks) task(now);
}

void Shell::serve_touched(TimePoint now) {
  std::vector<Handle> touched;
  {
    const std::lock_guard lock(mutex_);
    touched.swap(touched_);
  }
  for (const Handle handle : touched) {
    Channel* channel = find(handle);
    if (channel == nullptr) continue;
    channel->touched_ = false;
    serve(now, *channel);
  }
}

// Takes from a channel what its users left there.
void Shell::serve(TimePoint now, Channel& channel) {
  const Handle handle = channel.identity().handle;
  const Channel::Wishes wishes = channel.take_wishes();
  session_.consumed(now, handle, channel.consumed(), out_);
  if (wishes.detach) {
    session_.detach(now, handle, out_);
    behind_.erase(handle);
  }
  if (wishes.read) session_.read(now, handle, *wishes.read, out_);
  if (wishes.hurry || wishes.abandoned) session_.hurry(handle);
  while (std::optional<Batch> batch = channel.take_batch(session_.appetite(handle))) {
    session_.submit(now, handle, std::move(*batch), out_);
  }
  if (wishes.hurry) session_.ask(now, handle, out_);
  if (channel.take_close()) session_.close(now, handle, out_);
  channel.set_ack_at(session_.ack_at(handle));
  if (wishes.abandoned && channel.is_empty()) {
    session_.forget(now, handle, out_);
    behind_.erase(handle);
    channels_.erase(handle);
  }
}

void Shell::read_socket(TimePoint now) {
  drained_ = false;
  for (std::size_t i = 0; i < limits::kClientTurnMessages; ++i) {
    std::optional<Decoded> message = link_.receive();
    if (!message) {
      drained_ = true;
      session_.drained(now, out_);
      break;
    }
    if (const auto* envelope = std::get_if<Envelope>(&*message)) session_.step(now, *envelope, out_);
    carry_out(now);
  }
}

// How far readers have come, where they have not said so themselves: of many, most stand still.
void Shell::poll_consumed(TimePoint now) {
  poll_at_ = now + limits::kAckSpacing;
  std::erase_if(behind_, [&](Handle handle) {
    Channel* channel = find(handle);
    if (channel == nullptr) return true;
    session_.consumed(now, handle, channel->consumed(), out_);
    channel->set_ack_at(session_.ack_at(handle));
    return channel->consumed() >= channel->delivered();
  });
}

void Shell::check_patience(TimePoint now) {
  if (!apart_since_ || options_.patience == kForever || now - *apart_since_ < options_.patience) return;
  set_trouble(Trouble::unreachable, "the broker at " + endpoint_ + " has been away for too long. Look whether it runs");
}

TimePoint Shell::deadline(TimePoint now) const {
  TimePoint deadline = session_.next_deadline();
  if (!behind_.empty()) deadline = std::min(deadline, now + limits::kAckDelay);
  if (apart_since_ && options_.patience != kForever && trouble_ == Trouble::none) {
    deadline = std::min(deadline, *apart_since_ + options_.patience);
  }
  return deadline;
}

void Shell::leave() {
  const TimePoint present = now();
  run_tasks(present);
  serve_touched(present);
  poll_consumed(present);
  session_.shut_down(present, out_);
  carry_out(present);
  link_.close(limits::kClientGoodbye);
}

void Shell::notify_all() {
  for (const auto& [handle, channel] : channels_) channel->notify();
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void Shell::set_trouble(Trouble trouble, std::string text) {
  {
    const std::lock_guard lock(mutex_);
    if (trouble_ == trouble) return;
    trouble_text_ = std::move(text);
    trouble_ = trouble;
  }
  notify_all();
}

void Shell::tell(Notice::Kind kind, JobId job, std::string text) {
  if (options_.on_notice) options_.on_notice({kind, job, std::move(text)});
}

Channel* Shell::find(Handle handle) {
  const auto at = channels_.find(handle);
  return at == channels_.end() ? nullptr : at->second.get();
}

// --- what the session wants ---

void Shell::carry_out(TimePoint now) {
  while (!out_.empty()) {
    for (Action& action : out_.take()) {
      std::visit([&](auto& what) { on(now, what); }, action);
    }
  }
}

void Shell::on(TimePoint, const Connect&) { link_.connect(); }

void Shell::on(TimePoint, const Send& send) { link_.send(send.envelope); }

void Shell::on(TimePoint, const Greeted&) {
  const Welcome& welcome = session_.conversation().welcome();
  max_payload_bytes_ = welcome.max_payload_bytes;
  batch_bytes_ = welcome.batch_bytes;
  apart_since_.reset();
  set_trouble(Trouble::none, {});
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    again = std::exchange(greeted_, true);
    changed_.notify_all();
  }
  if (again) tell(Notice::Kind::reconnected, {}, "the broker at " + endpoint_ + " is back");
}

void Shell::on(TimePoint now, const Parted& parted) {
  if (!apart_since_) apart_since_ = now;
  tell(Notice::Kind::reconnecting, {}, "lost touch with the broker at " + endpoint_ + parted.because + ": reconnecting");
}

void Shell::on(TimePoint, const TurnedAway& away) {
  {
    const std::lock_guard lock(mutex_);
    turned_away_ = away.text;
    trouble_code_ = away.code;
  }
  if (away.for_good) {
    set_trouble(Trouble::refused, "the broker at " + endpoint_ + " does not let this client in: " + away.text);
  } else {
    tell(Notice::Kind::refused, {}, away.text);
  }
}

void Shell::on(TimePoint, const JobOpened& opened) {
  if (Channel* channel = find(opened.job)) channel->opened(opened.id, opened.resumed);
}

void Shell::on(TimePoint now, const JobAccepted& accepted) {
  Channel* channel = find(accepted.job);
  if (channel == nullptr) return;
  channel->accepted(accepted.next, accepted.closed);
  serve(now, *channel);
}

void Shell::on(TimePoint, const JobStalled& stalled) {
  tell(stalled.reason.empty() ? Notice::Kind::flowing : Notice::Kind::stalled, stalled.id, stalled.reason);
}

void Shell::on(TimePoint, ResultsArrived& results) {
  Channel* channel = find(results.job);
  if (channel == nullptr) return;
  channel->set_ack_at(session_.ack_at(results.job));
  channel->arrived(std::move(results.results));
  behind_.insert(results.job);
}

void Shell::on(TimePoint, const JobReported& reported) {
  if (Channel* channel = find(reported.job)) channel->reported(reported.status);
}

void Shell::on(TimePoint, const JobFailed& failed) {
  if (Channel* channel = find(failed.job)) channel->failed(failed.problem);
}

void Shell::on(TimePoint, Replied& replied) {
  const auto at = requests_.find(replied.request);
  if (at == requests_.end()) return;
  const std::lock_guard lock(mutex_);
  at->second->answer = std::move(replied.answer);
  requests_.erase(at);
  changed_.notify_all();
}

}  // namespace stint::client
