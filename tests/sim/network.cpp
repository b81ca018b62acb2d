#include "tests/sim/network.hpp"

#include <algorithm>

#include "tests/sim/trace.hpp"

namespace stint::sim {

namespace {

constexpr double kRareLost = 0.1;

// Were it lost no more often than others, that would hardly ever happen.
bool is_rare(const Message& message) {
  return std::holds_alternative<Release>(message) || std::holds_alternative<Recall>(message) || std::holds_alternative<State>(message) ||
         std::holds_alternative<Drain>(message) || std::holds_alternative<Command>(message) || std::holds_alternative<Done>(message) ||
         std::holds_alternative<Close>(message) || std::holds_alternative<Opened>(message);
}

}  // namespace

// --- on the way ---

TimePoint Network::arrival(TimePoint& last) {
  Duration delay = world_.random.duration(10us, world_.options.latency);
  if (!world_.faults_over() && world_.random.chance(world_.options.late)) {
    delay += world_.random.duration(0ms, 4 * world_.options.heartbeat);
  }
  return last = std::max(last, world_.now() + delay);
}

template <class Deliver>
void Network::transport(const char* direction, const std::shared_ptr<Line>& line, const Envelope& envelope,
                        TimePoint& last, Deliver deliver) {
  const Frames frames = encode(envelope);
  world_.note(frames.head);
  world_.note(frames.blob.view());
  if (world_.is_verbose()) world_.say(direction + std::to_string(value(line->address)) + " " + described(envelope));
  if (line->cut) return;
  const bool faulty = !world_.faults_over();
  const double lost = world_.options.lost;
  if (faulty && world_.random.chance(lost > 0 && is_rare(envelope.message) ? std::max(lost, kRareLost) : lost))
    return world_.say("  ... is lost");
  const auto pass = [this, line, frames, deliver](bool again) {
    if (line->cut || (again && line->link == nullptr)) return;  // nobody repeats what a dead one has said
    Decoded decoded = decode(frames.head, frames.blob);
    if (const auto* error = std::get_if<DecodeError>(&decoded))
      world_.fail("a message cannot be decoded: " + error->text);
    world_.delivered();
    deliver(std::move(std::get<Envelope>(decoded)));
  };
  const TimePoint when = arrival(last);
  world_.at(when, [pass] { pass(false); });
  if (faulty && world_.random.chance(world_.options.doubled))
    world_.at(when + world_.random.duration(0ms, 500ms), [pass] { pass(true); });
}

void Network::send_up(const std::shared_ptr<Line>& line, const Envelope& envelope) {
  transport("> ", line, envelope, line->last_up, [this, line, hub = hubs_](Envelope message) {
    if (hub_ != nullptr && hub == hubs_) hub_->arrived(line->address, std::move(message));
  });
}

bool Network::send_down(PeerId to, const Envelope& envelope) {
  const auto at = lines_.find(to);
  if (at == lines_.end()) return false;
  const std::shared_ptr<Line>& line = at->second;
  transport("< ", line, envelope, line->last_down, [line](Envelope message) {
    if (line->link != nullptr) line->link->arrived(std::move(message));
  });
  return true;
}

Process* Network::owner(PeerId address) const {
  const auto at = lines_.find(address);
  return at == lines_.end() || at->second->link == nullptr ? nullptr : &at->second->link->owner_;
}

// --- connections ---

std::shared_ptr<Line> Network::establish(Link& link) {
  auto line = std::make_shared<Line>();
  line->address = PeerId{++last_address_};
  line->link = &link;
  line->last_up = line->last_down = world_.now();
  lines_.emplace(line->address, line);
  world_.say(link.owner_.name() + " is connected as " + std::to_string(value(line->address)));
  return line;
}

// Either end may learn of it at once, or only later.
void Network::cut(Line& line) {
  if (line.cut) return;
  line.cut = true;
  const Duration unnoticed =
      world_.random.chance(0.5) ? Duration{} : world_.random.duration(0ms, 2 * world_.options.heartbeat);
  world_.in(unnoticed, [this, address = line.address] { lines_.erase(address); });
  if (line.link != nullptr) line.link->broken(world_.random.chance(0.5));
}

void Network::close(const std::shared_ptr<Line>& line, bool orderly) {
  line->link = nullptr;
  const bool all_lost = !orderly && world_.random.chance(0.5);
  if (all_lost) line->cut = true;
  const TimePoint last = all_lost ? world_.now() : line->last_up;
  world_.at(last + world_.random.duration(0ms, 100ms), [this, address = line->address] { lines_.erase(address); });
}

void Network::cut_one() {
  if (lines_.empty()) return;
  auto at = lines_.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(world_.random.below(lines_.size())));
  world_.say("connection " + std::to_string(value(at->first)) + " breaks");
  cut(*at->second);
}

void Network::broker_is_gone() {
  hub_ = nullptr;
  ++hubs_;
  const auto lines = std::exchange(lines_, {});
  for (const auto& [address, line] : lines) cut(*line);
}

// --- a peer's end ---

void Link::connect() {
  ++generation_;
  if (line_) network_.close(line_, false);
  line_.reset();
  waiting_.clear();
  inbox_.clear();
  open_ = true;
  try_connecting(world_.random.duration(10us, world_.options.latency));
}

void Link::try_connecting(Duration delay) {
  world_.in(delay, [this, generation = generation_] {
    if (generation != generation_ || !open_) return;
    if (!network_.has_broker()) return try_connecting(world_.random.duration(50ms, 200ms));
    line_ = network_.establish(*this);
    for (const Envelope& envelope : std::exchange(waiting_, {})) network_.send_up(line_, envelope);
  });
}

// What is sent from now on waits for the next connection; or it goes into the old one for a while, and is lost.
void Link::broken(bool noticed) {
  ++generation_;
  if (noticed) line_.reset();
  const Duration away = world_.random.duration(10ms, 1s);
  world_.in(away, [this, generation = generation_] {
    if (generation != generation_ || !open_) return;
    line_.reset();
    try_connecting(0ms);
  });
}

void Link::send(const Envelope& envelope) {
  if (line_) {
    network_.send_up(line_, envelope);
  } else if (open_) {
    waiting_.push_back(envelope);
  }
}

std::optional<Envelope> Link::receive() {
  if (inbox_.empty()) return std::nullopt;
  Envelope envelope = std::move(inbox_.front());
  inbox_.pop_front();
  return envelope;
}

void Link::arrived(Envelope envelope) {
  inbox_.push_back(std::move(envelope));
  owner_.wake();
}

void Link::close() {
  ++generation_;
  open_ = false;
  if (line_) network_.close(line_, true);
  line_.reset();
}

void Link::die() {
  ++generation_;
  open_ = false;
  if (line_) network_.close(line_, false);
  line_.reset();
}

}  // namespace stint::sim
