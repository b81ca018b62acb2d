// The reference: a client, a bare zmq_proxy and a worker that echoes, without state and without reliability. With
// `handover` client and worker pass each message to another thread and back, as whoever must heartbeat while a handler
// runs has to.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <zmq.hpp>

#include "common/net/allocator.hpp"
#include "common/net/wait.hpp"
#include "common/system/wakeup.hpp"
#include "tools/bench/part.hpp"

namespace stint::bench {
namespace {

using Message = std::vector<zmq::message_t>;  // its frames

zmq::socket_t open_socket(zmq::context_t& context, zmq::socket_type type) {
  zmq::socket_t socket(context, type);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::sndhwm, 0);  // without it a ROUTER drops; the sender's window is the limit
  socket.set(zmq::sockopt::rcvhwm, 0);
  return socket;
}

bool receive(zmq::socket_t& socket, Message& into) {
  into.clear();
  do {
    if (!socket.recv(into.emplace_back(), zmq::recv_flags::dontwait)) return false;
  } while (into.back().more());
  return true;
}

void send(zmq::socket_t& socket, Message& message) {
  for (std::size_t i = 0; i < message.size(); ++i) {
    socket.send(message[i], i + 1 < message.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

// Messages for another thread.
class Queue {
 public:
  void put(Message message) {
    {
      const std::lock_guard lock(mutex_);
      messages_.push_back(std::move(message));
    }
    changed_.notify_one();
  }
  Message take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !messages_.empty(); });
    return pop();
  }
  bool try_take(Message& into) {
    const std::lock_guard lock(mutex_);
    if (messages_.empty()) return false;
    into = pop();
    return true;
  }

 private:
  Message pop() {
    Message message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> messages_;
};

// A socket with a thread of its own, and messages in both directions.
class Line {
 public:
  explicit Line(zmq::socket_t socket) : socket_(std::move(socket)), thread_([this] { run(); }) { thread_.detach(); }

  void send(Message message) {
    out_.put(std::move(message));
    wakeup_.wake();
  }
  Message receive() { return in_.take(); }

 private:
  [[noreturn]] void run() {
    for (;;) {
      wait({socket_, wakeup_.fd()}, TimePoint::max());
      wakeup_.clear();
      Message message;
      while (out_.try_take(message)) bench::send(socket_, message);
      while (bench::receive(socket_, message)) in_.put(std::move(message));
    }
  }

  zmq::socket_t socket_;
  Wakeup wakeup_;
  Queue out_;
  Queue in_;
  std::thread thread_;
};

[[noreturn]] void echo(zmq::socket_t socket) {
  Message message;
  for (;;) {
    wait({socket}, TimePoint::max());
    while (receive(socket, message)) send(socket, message);
  }
}

[[noreturn]] void echo_through(Line& line) {
  for (;;) line.send(line.receive());
}

Message message_of(const std::string& bytes) {
  Message message;
  message.emplace_back(bytes.data(), bytes.size());
  return message;
}

// As many tasks as go through in `seconds`, with `window` messages on their way at any time.
Json flow(zmq::socket_t& socket, double seconds, std::uint64_t batch, std::uint64_t bytes, std::uint64_t window) {
  const std::string payload(batch * bytes, 'x');
  const TimePoint start = now();
  const TimePoint end = start + from_seconds(seconds);
  std::uint64_t sent = 0;
  std::uint64_t back = 0;
  Message message;
  bool sending = true;
  while (sending || back < sent) {
    for (; sending && sent - back < window; ++sent) {
      socket.send(zmq::message_t(payload.data(), payload.size()), zmq::send_flags::none);
    }
    wait({socket}, TimePoint::max());
    while (receive(socket, message)) ++back;
    sending = now() < end;
  }
  return {{"tasks", back * batch}, {"seconds", seconds_since(start)}};
}

// `rate` tasks a second for `seconds`, `batch` of them a message; how long each message took, in nanoseconds. There is room for all
// samples from the start, as in the generator that it is compared with.
Json paced(zmq::socket_t& socket, double seconds, double rate, std::uint64_t batch, std::uint64_t bytes) {
  const std::string payload(batch * bytes, 'x');
  std::vector<TimePoint> sent;
  std::vector<std::int64_t> samples;
  sent.reserve(static_cast<std::size_t>(rate * seconds) / batch + 1);
  samples.reserve(sent.capacity());
  const TimePoint start = now();
  Message message;
  for (bool sending = true; sending || samples.size() < sent.size();) {
    const double passed = seconds_since(start);
    const auto due = static_cast<std::size_t>(rate * std::min(passed, seconds)) / batch;
    sending = passed < seconds;
    const TimePoint present = now();
    for (; sent.size() < due; sent.push_back(present)) {
      socket.send(zmq::message_t(payload.data(), payload.size()), zmq::send_flags::none);
    }
    wait({socket}, now() + std::chrono::milliseconds(1));
    const TimePoint here = now();
    while (receive(socket, message)) samples.push_back((here - sent[samples.size()]).count());
  }
  return {{"ns", std::move(samples)}, {"tasks", sent.size() * batch}, {"seconds", seconds_since(start)}};
}

// One message at a time; how long each took, in nanoseconds.
template <class RoundTrip>
Json ping(std::uint64_t count, std::uint64_t bytes, RoundTrip round_trip) {
  const std::string payload(bytes, 'x');
  Json samples = Json::array();
  for (std::uint64_t i = 0; i < count; ++i) {
    const TimePoint start = now();
    round_trip(message_of(payload));
    samples.push_back((now() - start).count());
  }
  return {{"ns", std::move(samples)}};
}

void round_trip(zmq::socket_t& socket, Message message) {
  send(socket, message);
  wait({socket}, TimePoint::max());
  receive(socket, message);
}

Json answer_flow(zmq::socket_t& socket, std::istringstream& rest) {
  double seconds = 0;
  std::uint64_t batch = 0;
  std::uint64_t bytes = 0;
  std::uint64_t window = 0;
  rest >> seconds >> batch >> bytes >> window;
  return flow(socket, seconds, batch, bytes, window);
}

Json answer_paced(zmq::socket_t& socket, std::istringstream& rest) {
  double seconds = 0;
  double rate = 0;
  std::uint64_t batch = 0;
  std::uint64_t bytes = 0;
  rest >> seconds >> rate >> batch >> bytes;
  return paced(socket, seconds, rate, batch, bytes);
}

}  // namespace

void play_proxy(const Arguments& arguments) {
  if (contains(arguments, "tuned")) tune_allocator();
  zmq::context_t context;
  zmq::socket_t front = open_socket(context, zmq::socket_type::router);
  zmq::socket_t back = open_socket(context, zmq::socket_type::dealer);
  front.bind("tcp://127.0.0.1:*");
  back.bind("tcp://127.0.0.1:*");
  const Json ready{{"ready", true},
                   {"front", front.get(zmq::sockopt::last_endpoint)},
                   {"back", back.get(zmq::sockopt::last_endpoint)}};
  std::thread([&] { zmq::proxy(front, back); }).detach();
  obey(ready, [](const std::string&, std::istringstream&) { return Json(); });
}

void play_echo(const Arguments& arguments) {
  if (contains(arguments, "tuned")) tune_allocator();
  zmq::context_t context;
  for (std::uint64_t i = 0; i < std::stoull(arguments.at(1)); ++i) {
    zmq::socket_t socket = open_socket(context, zmq::socket_type::dealer);
    socket.connect(arguments.front());
    std::thread([socket = std::move(socket), hands_over = contains(arguments, "handover")]() mutable {
      if (!hands_over) echo(std::move(socket));
      Line line(std::move(socket));
      echo_through(line);
    }).detach();
  }
  obey({{"ready", true}}, [](const std::string&, std::istringstream&) { return Json(); });
}

void play_sender(const Arguments& arguments) {
  if (contains(arguments, "tuned")) tune_allocator();
  zmq::context_t context;
  zmq::socket_t socket = open_socket(context, zmq::socket_type::dealer);
  socket.connect(arguments.front());
  std::optional<Line> line;
  if (contains(arguments, "handover")) line.emplace(std::move(socket));
  obey({{"ready", true}}, [&](const std::string& verb, std::istringstream& rest) {
    if (verb == "flow") return answer_flow(socket, rest);
    if (verb == "paced") return answer_paced(socket, rest);
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    rest >> count >> bytes;
    if (!line) return ping(count, bytes, [&](Message message) { round_trip(socket, std::move(message)); });
    return ping(count, bytes, [&](Message message) { line->send(std::move(message)), line->receive(); });
  });
}

}  // namespace stint::bench
