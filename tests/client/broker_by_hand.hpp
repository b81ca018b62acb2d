// A client's session in virtual time, and the broker played by hand: each message is delivered and expected by name.
//
//   BrokerByHand broker;
//   broker.lets_in();
//   broker.client.open(broker.now, kJob, options, broker.out);
//   const auto open = broker.expect<Open>();
//   broker.says(Opened{.req = open.req, .job = JobId{7}, ...});
//
// Every message passes through the codec both ways, and a test that leaves something unlooked at fails: see quiet().
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/client/session.hpp"
#include "common/wire/codec.hpp"

namespace stint::client {

constexpr Handle kJob{1};
constexpr JobId kId{7};

inline Envelope through_the_codec(const Envelope& envelope) {
  const Frames frames = encode(envelope);
  const Decoded decoded = decode(frames.head, frames.blob);
  REQUIRE(std::holds_alternative<Envelope>(decoded));
  return std::get<Envelope>(decoded);
}

inline Batch batch_of(const std::vector<std::string>& payloads) {
  BatchBuilder builder;
  for (const std::string& payload : payloads) builder.add(payload);
  return builder.take();
}

inline std::uint32_t digest_of(const std::vector<std::string>& payloads) {
  Digest digest;
  for (const std::string& payload : payloads) digest.add(payload);
  return digest.value();
}

inline std::vector<std::string> payloads_of(const Batch& batch) {
  std::vector<std::string> payloads;
  for (BatchCursor at(batch); !at.done(); at.next()) payloads.emplace_back(at.view());
  return payloads;
}

struct BrokerByHand {
  TimePoint now{1h};
  Session client{{"tester", Incarnation{42}, 4711}, now};
  Outbox out;
  StoreId store{99};

  // Lets what is due happen, and sorts what comes of it.
  void turn(Duration later = Duration::zero()) {
    now += later;
    client.drained(now, out);
    client.tick(now, out);
    collect();
  }

  void lets_in() {
    turn();
    const auto hello = expect<Hello>();
    session_ = SessionId{value(session_) + 1};
    number_ = 0;
    client.step(now, through_the_codec({session_, 0, welcome(hello)}), out);
    collect();
    expect_news<Greeted>();
  }

  void says(Message message) {
    client.step(now, through_the_codec({session_, ++number_, std::move(message)}), out);
    collect();
  }

  void loses_a_message() { ++number_; }

  void says_outside_any_session(Message message) {
    client.step(now, through_the_codec({SessionId{}, 0, std::move(message)}), out);
    collect();
  }

  // The next message that the client sent.
  template <class M>
  M expect() {
    collect();
    REQUIRE_FALSE(sent_.empty());
    const Envelope envelope = std::exchange(sent_.front(), {});
    sent_.pop_front();
    REQUIRE(std::holds_alternative<M>(envelope.message));
    last_number = envelope.seq;
    return std::get<M>(envelope.message);
  }

  // The next thing that the user is told.
  template <class N>
  N expect_news() {
    collect();
    REQUIRE_FALSE(news_.empty());
    const Action news = std::exchange(news_.front(), Connect{});
    news_.pop_front();
    REQUIRE(std::holds_alternative<N>(news));
    return std::get<N>(news);
  }

  bool quiet() {
    collect();
    return sent_.empty() && news_.empty();
  }

  // Opens a job that has `next` tasks already; the window is as wide as a test wants it.
  Opened opened(RequestId request, Index next = 0, std::uint32_t digest = 0) const {
    return {request, kId, next, 0, next + window_tasks, window_bytes, JobState::open, false, digest};
  }

  void opens_a_job(JobOptions options = {.kind = "echo", .key = "k"}) {
    client.open(now, kJob, std::move(options), out);
    says(opened(expect<Open>().req));
    expect_news<JobOpened>();
    expect_news<JobAccepted>();
  }

  void accepts(Index next, std::uint32_t digest, bool closed = false) {
    says(Accepted{kId, next, next + window_tasks, window_bytes, digest, closed, {}});
    const auto news = expect_news<JobAccepted>();
    CHECK(news.next == next);
  }

  void writes(const std::vector<std::string>& payloads) {
    client.submit(now, kJob, batch_of(payloads), out);
    collect();
  }

  void asks() {
    client.ask(now, kJob, out);
    collect();
  }

  Submit expect_submit(Index first, const std::vector<std::string>& payloads) {
    auto submit = expect<Submit>();
    CHECK(submit.first == first);
    CHECK(payloads_of(submit.tasks) == payloads);
    return submit;
  }

  std::uint64_t window_tasks = 1000;
  std::uint64_t window_bytes = 1'000'000;
  std::uint32_t last_number = 0;  // of the message that expect() gave

  template <class N>
  void skip_news() {
    collect();
    std::erase_if(news_, [](const Action& action) { return std::holds_alternative<N>(action); });
  }

 private:
  Welcome welcome(const Hello& hello) const {
    Welcome welcome;
    welcome.hello_no = hello.hello_no;
    welcome.store = store;
    welcome.epoch = 1;
    welcome.name = hello.name;
    welcome.heartbeat_ms = 2000;
    welcome.liveness = 3;
    welcome.max_payload_bytes = 8 << 20;
    welcome.batch_bytes = 256 << 10;
    return welcome;
  }

  void collect() {
    for (Action& action : out.take()) {
      if (auto* send = std::get_if<Send>(&action)) {
        if (!std::holds_alternative<Heartbeat>(send->envelope.message))
          sent_.push_back(through_the_codec(send->envelope));
      } else if (!std::holds_alternative<Connect>(action)) {
        news_.push_back(std::move(action));
      }
    }
  }

  SessionId session_{0};
  std::uint32_t number_ = 0;
  std::deque<Envelope> sent_;
  std::deque<Action> news_;
};

}  // namespace stint::client
