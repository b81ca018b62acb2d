// Many peers in one process and one thread, so that the load of the peers themselves stays small: clients with a task
// each in flight, sockets that do the same through the bare proxy, and workers that are only there.
#include <algorithm>
#include <memory>
#include <thread>
#include <utility>
#include <zmq.hpp>

#include "broker/shell/descriptors.hpp"
#include "common/client/session.hpp"
#include "common/net/allocator.hpp"
#include "common/net/link.hpp"
#include "common/net/random.hpp"
#include "common/net/wait.hpp"
#include "tools/bench/part.hpp"
#include "worker/core/session.hpp"

namespace stint::bench {
namespace {

constexpr int kSockets = 20'000;

zmq::context_t make_context() {
  broker::raise_descriptor_limit();
  zmq::context_t context;
  context.set(zmq::ctxopt::max_sockets, kSockets);
  return context;
}

// Waits until one of the sockets is readable, and calls with the number of each that is.
template <class Take>
void poll_all(std::vector<zmq::pollitem_t>& items, std::chrono::milliseconds most, Take take) {
  zmq::poll(items.data(), items.size(), most);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if ((items[i].revents & ZMQ_POLLIN) != 0) take(i);
  }
}

// A client with the library's own session, and one task in flight.
class LoneClient {
 public:
  LoneClient(zmq::context_t& context, const std::string& broker)
      : link_(context, broker), session_({"", Incarnation{random_bits()}, random_bits()}, now()) {
    session_.open(now(), kJob, JobOptions{.kind = "echo", .key = client::draw_key(random_bits(), random_bits())}, out_);
    turn();
  }

  void turn() {
    session_.tick(now(), out_);
    carry_out();
  }

  void receive() {
    const TimePoint turn = now();
    while (const auto message = link_.receive()) {
      if (const auto* envelope = std::get_if<Envelope>(&*message)) session_.step(turn, *envelope, out_);
    }
    session_.drained(turn, out_);
    carry_out();
    this->turn();
  }

  bool ready() const { return opened_; }
  zmq::socket_ref socket() { return link_.socket(); }
  std::uint64_t take_results() { return std::exchange(results_, 0); }

  void submit(const std::string& payload) {
    BatchBuilder batch;
    batch.add(payload);
    session_.submit(now(), kJob, batch.take(), out_);
    carry_out();
  }

 private:
  static constexpr client::Handle kJob{1};

  void carry_out() {
    while (!out_.empty()) {
      for (client::Action& action : out_.take()) std::visit([this](auto& what) { on(what); }, action);
    }
  }
  void on(const client::Connect&) { link_.connect(); }
  void on(const client::Send& send) { link_.send(send.envelope); }
  void on(const client::JobOpened&) {
    opened_ = true;
    session_.read(now(), kJob, {}, out_);
  }
  void on(const client::ResultsArrived& arrived) {
    results_ += arrived.results.outcomes.count();
    session_.consumed(now(), kJob, arrived.results.position + arrived.results.outcomes.count(), out_);
  }
  template <class Other>
  void on(const Other&) {}

  Link link_;
  client::Session session_;
  client::Outbox out_;
  bool opened_ = false;
  std::uint64_t results_ = 0;
};

std::vector<zmq::pollitem_t> items_of(const std::vector<std::unique_ptr<LoneClient>>& clients) {
  std::vector<zmq::pollitem_t> items;
  for (const auto& client : clients) items.push_back({client->socket().handle(), 0, ZMQ_POLLIN, 0});
  return items;
}

Json flow(std::vector<std::unique_ptr<LoneClient>>& clients, double seconds, std::uint64_t bytes) {
  const std::string payload(bytes, 'x');
  std::vector<zmq::pollitem_t> items = items_of(clients);
  const TimePoint start = now();
  const TimePoint end = start + from_seconds(seconds);
  std::uint64_t back = 0;
  std::uint64_t under_way = clients.size();
  for (const auto& client : clients) client->submit(payload);
  while (under_way > 0) {
    poll_all(items, std::chrono::milliseconds(100), [&](std::size_t i) {
      clients[i]->receive();
      const std::uint64_t results = clients[i]->take_results();
      if (results == 0) return;
      back += results;
      if (now() < end) {
        clients[i]->submit(payload);
      } else {
        --under_way;
      }
    });
  }
  return {{"tasks", back}, {"seconds", seconds_since(start)}};
}

// A worker that is there and never gets a task.
class IdleWorker {
 public:
  IdleWorker(zmq::context_t& context, const std::string& broker)
      : link_(context, broker), session_(options(broker), now()) {
    turn();
  }

  void turn() {
    const TimePoint turn = now();
    while (const auto message = link_.receive()) {
      if (const auto* envelope = std::get_if<Envelope>(&*message)) session_.step(turn, *envelope, out_);
    }
    session_.drained(turn, out_);
    session_.tick(turn, out_);
    for (const worker::Action& action : std::exchange(out_, {})) {
      if (std::holds_alternative<worker::Connect>(action)) link_.connect();
      if (const auto* send = std::get_if<worker::Send>(&action)) link_.send(send->envelope);
    }
  }
  bool in_session() const { return session_.in_session(); }

 private:
  static worker::SessionOptions options(const std::string& broker) {
    return {.broker = broker,
            .name = {},
            .kinds = {"idle"},
            .slots = 1,
            .incarnation = Incarnation{random_bits()},
            .random = random_bits()};
  }

  Link link_;
  worker::Session session_;
  worker::Outbox out_;
};

// Takes turns with all of them, for ever.
[[noreturn]] void keep_alive(std::vector<std::unique_ptr<IdleWorker>>& workers) {
  for (;;) {
    for (const auto& worker : workers) worker->turn();
    wait({}, now() + std::chrono::milliseconds(200));
  }
}

}  // namespace

void play_crowd(const Arguments& arguments) {
  tune_allocator();
  zmq::context_t context = make_context();
  std::vector<std::unique_ptr<LoneClient>> clients;
  for (std::uint64_t i = 0; i < std::stoull(arguments.at(1)); ++i) {
    clients.push_back(std::make_unique<LoneClient>(context, arguments.front()));
  }
  std::vector<zmq::pollitem_t> items = items_of(clients);
  while (!std::all_of(clients.begin(), clients.end(), [](const auto& client) { return client->ready(); })) {
    poll_all(items, std::chrono::milliseconds(100), [&](std::size_t i) { clients[i]->receive(); });
  }
  obey({{"ready", true}}, [&](const std::string&, std::istringstream& rest) {
    double seconds = 0;
    std::uint64_t bytes = 0;
    rest >> seconds >> bytes;
    return flow(clients, seconds, bytes);
  });
}

void play_dealers(const Arguments& arguments) {
  zmq::context_t context = make_context();
  std::vector<zmq::socket_t> sockets;
  std::vector<zmq::pollitem_t> items;
  for (std::uint64_t i = 0; i < std::stoull(arguments.at(1)); ++i) {
    sockets.emplace_back(context, zmq::socket_type::dealer).connect(arguments.front());
    items.push_back({sockets.back().handle(), 0, ZMQ_POLLIN, 0});
  }
  obey({{"ready", true}}, [&](const std::string&, std::istringstream& rest) {
    double seconds = 0;
    std::uint64_t bytes = 0;
    rest >> seconds >> bytes;
    const std::string payload(bytes, 'x');
    const TimePoint start = now();
    const TimePoint end = start + from_seconds(seconds);
    std::uint64_t back = 0;
    std::uint64_t under_way = sockets.size();
    for (zmq::socket_t& socket : sockets) socket.send(zmq::buffer(payload));
    while (under_way > 0) {
      poll_all(items, std::chrono::milliseconds(100), [&](std::size_t i) {
        zmq::message_t message;
        if (!sockets[i].recv(message, zmq::recv_flags::dontwait)) return;
        ++back;
        if (now() < end) {
          sockets[i].send(zmq::buffer(payload));
        } else {
          --under_way;
        }
      });
    }
    return Json{{"tasks", back}, {"seconds", seconds_since(start)}};
  });
}

void play_idle(const Arguments& arguments) {
  zmq::context_t context = make_context();
  std::vector<std::unique_ptr<IdleWorker>> workers;
  const auto all_there = [&] {
    return std::all_of(workers.begin(), workers.end(), [](const auto& worker) { return worker->in_session(); });
  };
  for (std::uint64_t i = 0; i < std::stoull(arguments.at(1)); ++i) {
    workers.push_back(std::make_unique<IdleWorker>(context, arguments.front()));
  }
  while (!all_there()) {
    for (const auto& worker : workers) worker->turn();
    wait({}, now() + std::chrono::milliseconds(20));
  }
  std::thread([&] { keep_alive(workers); }).detach();
  obey({{"ready", true}}, [](const std::string&, std::istringstream&) { return Json(); });
}

}  // namespace stint::bench
