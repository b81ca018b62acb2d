// The network between the broker and its peers, as ZeroMQ shows it: messages of one connection arrive in order, if they
// arrive; a connection that breaks takes with it what was under way; the peer's socket connects again by itself, under
// a new return address, and what it was given meanwhile is sent then, or was lost before anybody noticed.
//
//   Network network(world);
//   Link link(network, process);         // in a peer
//   link.connect();
//   link.send(envelope);
//   while (auto envelope = link.receive()) ...
//
// Every message is encoded and decoded on its way.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/wire/codec.hpp"
#include "tests/sim/world.hpp"

namespace stint::sim {

class Link;

// One connection.
struct Line {
  PeerId address{};
  Link* link = nullptr;         // null: the peer has closed it
  bool cut = false;             // nothing passes any more
  bool known_to_broker = true;  // false: sending to it fails
  TimePoint last_up{};
  TimePoint last_down{};
};

// The broker's end.
class Hub {
 public:
  Hub() = default;
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  virtual ~Hub() = default;
  virtual void arrived(PeerId from, Envelope envelope) = 0;
};

class Network {
 public:
  explicit Network(World& world) : world_(world) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  void broker_starts(Hub& hub) { hub_ = &hub; }
  void broker_is_gone();
  bool has_broker() const { return hub_ != nullptr; }

  bool send_down(PeerId to, const Envelope& envelope);  // false: nobody is there any more
  Process* owner(PeerId address) const;                 // null: nobody is there any more
  void cut_one();                                       // some connection breaks

 private:
  friend class Link;

  std::shared_ptr<Line> establish(Link& link);
  void send_up(const std::shared_ptr<Line>& line, const Envelope& envelope);
  void cut(Line& line);
  void close(const std::shared_ptr<Line>& line, bool orderly);
  TimePoint arrival(TimePoint& last);
  template <class Deliver>
  void transport(const char* direction, const std::shared_ptr<Line>& line, const Envelope& envelope, TimePoint& last,
                 Deliver deliver);

  World& world_;
  Hub* hub_ = nullptr;
  std::uint64_t hubs_ = 0;  // broker starts so far
  std::uint32_t last_address_ = 0;
  std::map<PeerId, std::shared_ptr<Line>> lines_;  // that the broker could send to
};

// A peer's end.
class Link {
 public:
  Link(Network& network, World& world, Process& owner) : network_(network), world_(world), owner_(owner) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void connect();  // throws away the old connection and makes a new one
  void send(const Envelope& envelope);
  std::optional<Envelope> receive();
  void close();  // what was sent still arrives, perhaps
  void die();    // the process is gone

 private:
  friend class Network;

  void try_connecting(Duration delay);
  void broken(bool noticed);
  void arrived(Envelope envelope);

  Network& network_;
  World& world_;
  Process& owner_;
  std::shared_ptr<Line> line_;
  std::deque<Envelope> waiting_;  // to be sent once connected
  std::deque<Envelope> inbox_;
  std::uint64_t generation_ = 0;
  bool open_ = false;
};

}  // namespace stint::sim
