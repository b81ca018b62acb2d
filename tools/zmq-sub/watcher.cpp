#include "tools/zmq-sub/watcher.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "common/model/limits.hpp"
#include "common/net/clock.hpp"
#include "common/net/wait.hpp"
#include "common/wire/codec.hpp"
#include "tools/show/text.hpp"
#include "tools/show/json.hpp"
#include "tools/show/outcome.hpp"

namespace stint::tool {
namespace {

constexpr int kMessagesPerTurn = 1000;  // between two looks at signals and deadlines
constexpr std::string_view kBroker = "broker.";

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A job named otherwise than by its number is found among all jobs.
std::string topic_of(const std::string& job) { return is_number(job) ? "job." + job + "." : "job."; }

}  // namespace

Watcher::Watcher(WatchOptions options)
    : options_(std::move(options)),
      events_(context_, options_.endpoint),
      output_(STDOUT_FILENO),
      awaited_(options_.until_end) {
  if (!options_.bars_or_json) options_.bars = output_.is_terminal();
}

Exit Watcher::run() {
  started_ = now();
  subscribe();
  events_.connect();
  while (!is_over()) {
    wait({events_.socket(), signals_.fd()}, next_deadline());
    signals_.clear();
    if (signals_.count() > 0) exit_ = Exit::interrupted;
    const TimePoint turn = now();
    read_all(turn);
    mind_the_silence(turn);
    mind_the_absent(turn);
    redraw(turn, false);
  }
  redraw(now(), true);
  if (options_.bars) output_.write(screen_.left());
  return *exit_;
}

// Whoever asks for nothing gets all, since the socket may be anybody's. On a terminal that would make the broker tell
// each task's steps for nothing, so there it is asked for only when no broker of ours has been heard.
void Watcher::subscribe() {
  if (options_.topics.empty() && !options_.until_end.empty()) {
    for (const std::string& job : options_.until_end) options_.topics.push_back(topic_of(job));
    asked_for_all_ = true;
  } else if (options_.topics.empty()) {
    options_.topics = options_.bars ? std::vector<std::string>{"job.", "worker."} : std::vector<std::string>{""};
    asked_for_all_ = !options_.bars;
  } else {
    asked_for_all_ = true;
  }
  for (const std::string& topic : options_.topics) events_.subscribe(topic);
  events_.subscribe(std::string(kBroker));
}

void Watcher::read_all(TimePoint turn) {
  for (int i = 0; i < kMessagesPerTurn && !is_over(); ++i) {
    const auto frames = events_.receive();
    if (!frames) return;
    take(turn, *frames);
  }
}

void Watcher::take(TimePoint turn, const std::vector<std::string>& frames) {
  anything_heard_ = true;
  auto decoded =
      frames.size() == 2 ? decode_event(frames[0], frames[1]) : std::variant<Event, DecodeError>(DecodeError{});
  auto* event = std::get_if<Event>(&decoded);
  if (event == nullptr) {
    if (!wants(frames.front())) return;
    if (options_.bars) return screen_.plain(frames);
    return write(json_line(plain_to_json(frames)));
  }
  silence_.heard(turn, *event);
  mind_the_store(event->store);
  if (!wants(event->topic)) return;
  if (auto told = filter_.admit(std::move(*event))) show(turn, *told);
}

// A broker with another store knows nothing of the jobs that were seen, even if it has one with the same number or name.
void Watcher::mind_the_store(StoreId store) {
  const StoreId before = std::exchange(store_, store);
  if (before == StoreId{} || before == store) return;
  screen_.forget_jobs();
  for (const std::string& job : awaited_) {
    if (!met_.contains(job)) continue;
    std::cerr << "zmq-sub: job " << escaped(job)
              << " is gone: the broker came back without its memory (it runs without --data, or its data was replaced)\n";
    exit_ = Exit::refused;
  }
}

// The broker's beat comes for our own sake, asked for or not.
bool Watcher::wants(const std::string& topic) const {
  return std::any_of(options_.topics.begin(), options_.topics.end(),
                     [&](const std::string& prefix) { return topic.starts_with(prefix); });
}

std::vector<std::string>::iterator Watcher::awaited(const Event& event) {
  return std::find_if(awaited_.begin(), awaited_.end(), [&](const std::string& job) {
    if (event.topic == topic_of(job)) return true;
    return !is_number(job) && event.topic.starts_with("job.") &&
           (event.fields.text("name") == job || event.fields.text("key") == job);
  });
}

void Watcher::show(TimePoint turn, const Told& told) {
  const bool only_awaited = !options_.until_end.empty() && !options_.topics_given;
  const auto job = awaited(told.event);
  if (job != awaited_.end()) met_.insert(*job);
  if (only_awaited && job == awaited_.end()) return;
  if (options_.bars) {
    screen_.told(turn, told);
  } else {
    write(json_line(to_json(told.event, told.missed)));
  }
  mind_the_end(told.event);
}

void Watcher::mind_the_end(const Event& event) {
  const auto job = awaited(event);
  if (job == awaited_.end()) return;
  if (event.event == "unknown") {
    std::cerr << "zmq-sub: the broker knows no job " << escaped(*job)
              << "; it was forgotten, or never opened. See `stint jobs`.\n";
    exit_ = Exit::refused;
  } else if (event.event == "ended") {
    worst_ = worse(worst_, exit_of(event.fields));
    awaited_.erase(job);
    if (awaited_.empty()) exit_ = worst_;
  }
}

void Watcher::mind_the_silence(TimePoint turn) {
  if (silence_.broker_is_lost(turn)) events_.connect();
  screen_.reconnecting(silence_.is_away());
  const bool was_away = std::exchange(is_away_, silence_.is_away());
  if (is_away_ != was_away && !options_.bars) {  // bars say it themselves
    say("the broker at " + escaped(options_.endpoint) + (is_away_ ? " is silent: connecting again" : " is back"));
  }
  for (const std::string& job : silence_.silent_jobs(turn)) {
    for (const std::string& topic : options_.topics) {
      if (job.starts_with(topic)) events_.refresh(topic);
    }
  }
  if (!asked_for_all_ && !silence_.ever_heard() && turn - started_ >= limits::kStrangerGrace) {
    asked_for_all_ = true;
    options_.topics.emplace_back();
    events_.subscribe("");
  }
}

// Waiting for what is not there is what was asked for, and may be a slip of the pen.
void Watcher::mind_the_absent(TimePoint turn) {
  if (absent_told_ || turn - started_ < limits::kStrangerGrace) return;
  absent_told_ = true;
  if (!anything_heard_) {
    return say("nothing is heard from " + escaped(options_.endpoint) +
               ". Is it the events address that stint-broker prints when it is ready (--connect, STINT_EVENTS)? Listening on");
  }
  for (const std::string& job : awaited_) {
    if (!met_.contains(job)) say("there is no job with the name or key " + escaped(job) + " yet: waiting for it. See `stint jobs`");
  }
}

// What is not about jobs and workers does not belong into the output, except on a terminal that is drawn on.
void Watcher::say(const std::string& line) {
  if (options_.bars) return screen_.say("zmq-sub: " + line);
  std::cerr << "zmq-sub: " + line + "\n";
}

void Watcher::redraw(TimePoint turn, bool at_once) {
  const bool due = turn - redrawn_ >= limits::kRedraw && (screen_.has_news() || turn - redrawn_ >= 1s);
  if (!options_.bars || !(due || at_once)) return;
  redrawn_ = turn;
  write(screen_.redrawn(turn, output_.terminal_columns(), output_.terminal_lines()));
}

void Watcher::write(std::string_view bytes) {
  if (!output_.write(bytes) && !is_over()) exit_ = Exit::ok;
}

TimePoint Watcher::next_deadline() const {
  TimePoint deadline = silence_.next_deadline();
  if (!asked_for_all_ && !silence_.ever_heard()) deadline = std::min(deadline, started_ + limits::kStrangerGrace);
  if (!absent_told_) deadline = std::min(deadline, started_ + limits::kStrangerGrace);
  if (options_.bars) deadline = std::min(deadline, redrawn_ + (screen_.has_news() ? limits::kRedraw : Duration(1s)));
  return deadline;
}

}  // namespace stint::tool
