#include "tests/core/farm.hpp"

#include <algorithm>
#include <memory>

namespace stint::broker {

Options Farm::quick() {
  Options options;
  options.store = StoreId{77};
  options.random = 1;
  options.heartbeat = 100ms;
  options.writer_grace = 1s;
  return options;
}

Farm::Farm(const Options& options) : broker(options), options_(options), heartbeat_(options.heartbeat) {
  now += 1h;
  next_beat_ = now + heartbeat_;
  turn();
}

Farm::~Farm() {
  CHECK_MESSAGE(underway_.empty(), "messages are under way");
  const auto check = [](const FarmPeer& peer) {
    CHECK_MESSAGE(peer.mail.empty(), peer.name() << " has mail that nobody expected");
  };
  for (const auto& worker : workers_) check(*worker);
  for (const auto& client : clients_) check(*client);
}

FarmWorker& Farm::worker(WorkerSpec spec) {
  workers_.push_back(
      std::make_unique<FarmWorker>(*this, std::move(spec), Incarnation{++last_incarnation_}, next_address()));
  workers_.back()->greets();
  return *workers_.back();
}

FarmClient& Farm::client(const std::string& name) {
  clients_.push_back(std::make_unique<FarmClient>(*this, name, Incarnation{++last_incarnation_}, next_address()));
  clients_.back()->greets();
  return *clients_.back();
}

void Farm::to_broker(const FarmPeer& from, Envelope envelope) {
  by_address_[from.address] = const_cast<FarmPeer*>(&from);
  const Frames frames = encode(envelope);
  Decoded decoded = decode(frames.head, frames.blob);
  REQUIRE_MESSAGE(std::holds_alternative<Envelope>(decoded), std::get<DecodeError>(decoded).text);
  CHECK(std::get<Envelope>(decoded) == envelope);
  underway_.emplace_back(from.address, std::get<Envelope>(std::move(decoded)));
  if (!settling_ && !sleeping_) settles();
}

// Delivers everything, until nobody has anything to say.
void Farm::settles() {
  settling_ = true;
  for (;;) {
    for (Action& action : out_.take()) deliver(action);
    if (pending_ && !commits_held_) {
      for (const Change& change : std::exchange(unstored_, {})) disk_.apply(change);
      broker.committed(*std::exchange(pending_, std::nullopt), out_);
    } else if (!underway_.empty()) {
      const auto [from, envelope] = std::move(underway_.front());
      underway_.pop_front();
      broker.step(now, from, envelope, out_);
    } else if (out_.empty()) {
      break;
    }
    if (broker.peers() < 100 || ++unchecked_ % 100 == 0) broker.check_invariants();  // it looks at everything
  }
  settling_ = false;
}

void Farm::deliver(Action& action) {
  if (auto* send = std::get_if<Send>(&action)) {
    const Frames frames = encode(send->envelope);
    const Decoded decoded = decode(frames.head, frames.blob);
    REQUIRE_MESSAGE(std::holds_alternative<Envelope>(decoded), std::get<DecodeError>(decoded).text);
    const Frames again =
        encode(std::get<Envelope>(decoded));  // a whole number comes back as one, whatever its sign's type was
    CHECK((again.head == frames.head && again.blob == frames.blob));
    const auto to = by_address_.find(send->to);
    if (to != by_address_.end() && to->second->address == send->to) to->second->receives(std::get<Envelope>(decoded));
  } else if (auto* store = std::get_if<Store>(&action)) {
    if (pending_) CHECK(*pending_ < store->commit);
    pending_ = store->commit;
    if (options_.durable) unstored_.push_back(std::move(store->change));
  } else if (auto* fetch = std::get_if<Fetch>(&action)) {
    if (reads_held_) {
      read_.push_back(disk_.fetch(fetch->wanted));
    } else {
      broker.fetched(disk_.fetch(fetch->wanted), out_);
    }
  } else if (auto* publish = std::get_if<Publish>(&action)) {
    check(publish->event);
    events_.push_back(std::move(publish->event));
  } else if (auto* log_line = std::get_if<Log>(&action)) {
    CHECK(log_line->text.find('\n') == std::string::npos);
    log.push_back(std::move(log_line->text));
  }
}

// What every event promises.
void Farm::check(const Event& event) {
  const std::string head = encode_event(event);
  const auto decoded = decode_event(event.topic, head);
  REQUIRE(std::holds_alternative<Event>(decoded));
  CHECK(encode_event(std::get<Event>(decoded)) == head);
  if (event.event == "unknown") return;
  const auto last = last_event_.find(event.topic);
  if (last != last_event_.end()) {
    const bool follows = event.event == "state" ? event.seq >= last->second.seq : event.seq > last->second.seq;
    CHECK_MESSAGE(follows, event.topic << " went from " << last->second.seq << " to " << event.seq);
  }
  if (event.fields.find("total") != nullptr) {
    const auto count = [&](std::string_view name) { return event.fields.number(name); };
    CHECK(count("total") == count("left") + count("done") + count("failed") + count("cancelled"));
    CHECK(count("left") == count("queued") + count("delayed") + count("running"));
    if (last != last_event_.end()) {
      for (const char* name : {"total", "done", "failed", "cancelled"}) {
        CHECK_MESSAGE(count(name) >= last->second.fields.number(name), name << " goes back in " << event.topic);
      }
      if (last->second.event == "ended")
        CHECK_MESSAGE(event.event == "state", event.topic << " goes on behind its end");
    }
  }
  last_event_[event.topic] = event;
}

void Farm::commits() {
  commits_held_ = false;
  settles();
}

void Farm::reads_back() {
  reads_held_ = false;
  for (Fetched& fetched : std::exchange(read_, {})) broker.fetched(std::move(fetched), out_);
  settles();
}

void Farm::turn() {
  broker.drained(now);
  broker.tick(now, out_);
  broker.check_invariants();
  settles();
}

TimePoint Farm::next_moment(TimePoint end) const {
  TimePoint next = std::min(end, next_beat_);
  if (const auto due = broker.next_deadline()) next = std::min(next, *due);
  for (const auto& worker : workers_) next = std::min(next, worker->next_finish());
  return std::max(next, now);
}

void Farm::passes(Duration time) {
  passes_until([] { return false; }, time);
}

bool Farm::passes_until(const std::function<bool()>& done, Duration at_most) {
  const TimePoint end = now + at_most;
  int still = 0;
  for (;;) {
    if (done()) return true;
    if (now >= end) return false;
    const TimePoint next = next_moment(end);
    still = next > now ? 0 : still + 1;
    REQUIRE_MESSAGE(still < 1000, "the broker wants to be woken up again and again at one moment");
    now = next;
    if (now >= next_beat_) {
      next_beat_ = now + heartbeat_;
      for (const auto& worker : workers_) worker->beats();
      for (const auto& client : clients_) client->beats();
    }
    for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->works();
    turn();
  }
}

void Farm::broker_sleeps(Duration time) {
  sleeping_ = true;
  const TimePoint end = now + time;
  while (now + heartbeat_ <= end) {
    now += heartbeat_;
    for (const auto& worker : workers_) worker->beats();
    for (const auto& client : clients_) client->beats();
  }
  now = end;
  next_beat_ = now + heartbeat_;
  sleeping_ = false;
  broker.tick(now, out_);  // what is due is looked at first, the socket is read afterwards
  settles();
  turn();
}

void Farm::is_unreachable(const FarmPeer& peer) {
  broker.unreachable(now, peer.address, out_);
  settles();
}

void Farm::cannot_read(const FarmPeer& from, SessionId session, std::uint32_t number) {
  broker.refused(now, from.address, session, Error{number, ErrorCode::malformed, false, "no message", 0, {}, {}}, out_);
  settles();
}

void Farm::broker_restarts() {
  if (options_.durable) {
    ++options_.epoch;
  } else {
    options_.store = StoreId{value(options_.store) + 1};
  }
  starts_anew();
}

// The broker that wrote the copy may have made leases since, under numbers of the same start as the next broker's.
void Farm::broker_restarts_from_copy() {
  disk_ = copy_.disk;
  options_.epoch = copy_.epoch + 1;
  options_.first_lease += 1'000'000;
  starts_anew();
}

void Farm::starts_anew() {
  unstored_.clear();
  read_.clear();
  pending_.reset();
  commits_held_ = false;
  underway_.clear();
  out_.take();
  std::destroy_at(&broker);
  std::construct_at(&broker, options_);
  last_event_.clear();  // a watcher starts afresh with each start of the broker
  broker.restore(now, disk_.found(), out_);
  for (const std::string& topic : subscriptions_) broker.subscribed(now, topic, true, out_);
  if (asker_ != nullptr) asker_->greets();
  turn();
}

void Farm::fills_disk(const std::string& reason) {
  broker.store_full(reason, out_);
  settles();
}

void Farm::shuts_down() {
  broker.shut_down(now, out_);
  settles();
  if (asker_ != nullptr) asker_->mail.clear();
}

void Farm::subscribes(const std::string& topic) {
  subscriptions_.push_back(topic);
  broker.subscribed(now, topic, true, out_);
  turn();
}

void Farm::unsubscribes(const std::string& topic) {
  std::erase(subscriptions_, topic);
  broker.subscribed(now, topic, false, out_);
  turn();
}

std::vector<Event> Farm::events(std::string_view topic, std::string_view name) const {
  std::vector<Event> found;
  for (const Event& event : events_) {
    if (event.topic == topic && (name.empty() || event.event == name)) found.push_back(event);
  }
  return found;
}

std::vector<Row> Farm::asks(const std::string& what, const std::string& selector) {
  if (asker_ == nullptr) asker_ = &client("asker");
  return asker_->asks(what, selector);
}

Row Farm::job(JobId id) {
  const auto rows = asks("job", std::to_string(value(id)));
  REQUIRE(rows.size() == 1);
  return rows.front();
}

std::vector<std::string> numbered(std::size_t count, std::size_t first) {
  std::vector<std::string> tasks;
  tasks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) tasks.push_back(std::to_string(first + i));
  return tasks;
}

// --- a peer
// -----------------------------------------------------------------------------------------------------------------

FarmPeer::FarmPeer(Farm& farm, Hello hello_, PeerId address_)
    : hello(std::move(hello_)), address(address_), farm_(farm) {}

void FarmPeer::greets() {
  before_hello();
  ++hello.hello_no;
  hello.store = welcome.store;
  repeats_hello();
}

void FarmPeer::repeats_hello() { farm_.to_broker(*this, {SessionId{}, 0, hello}); }

void FarmPeer::says(Message message) { farm_.to_broker(*this, {session, ++sent_, std::move(message)}); }

void FarmPeer::says_what_cannot_be_read(SessionId in, std::uint32_t number) { farm_.cannot_read(*this, in, number); }

void FarmPeer::says_raw(Envelope envelope) { farm_.to_broker(*this, std::move(envelope)); }

void FarmPeer::beats() {
  if (!silent && session != SessionId{}) says(heartbeat());
}

void FarmPeer::leaves(const std::string& reason) {
  says(Bye{reason, 0});
  session = {};
  silent = true;
}

void FarmPeer::moves() { address = farm_.next_address(); }

void FarmPeer::receives(const Envelope& envelope) {
  if (deaf || silent) return;
  if (const auto* greeting = std::get_if<Welcome>(&envelope.message)) {
    CHECK(envelope.seq == 0);
    if (greeting->hello_no != hello.hello_no) return;
    const bool again = session == envelope.session && greeting->hello_no == welcome.hello_no;
    welcome = *greeting;
    ++welcomes;
    session = envelope.session;
    if (again) return;
    gate_ = Gate(session);
    sent_ = 0;
    absorbs(envelope.message);
    return;
  }
  if (envelope.session != SessionId{}) {
    const auto verdict = gate_.admit(envelope.session, envelope.seq);
    if (may_miss && verdict == Gate::Verdict::gap) {
      missed = true;
      return;
    }
    CHECK_MESSAGE(verdict == Gate::Verdict::pass, name() << " hears number " << envelope.seq << " out of order");
  }
  const auto* heartbeat = std::get_if<Heartbeat>(&envelope.message);
  if (heartbeat != nullptr && heartbeat->heartbeat_ms > 0) welcome.heartbeat_ms = heartbeat->heartbeat_ms;
  if (!absorbs(envelope.message)) mail.push_back(envelope.message);
}

}  // namespace stint::broker
