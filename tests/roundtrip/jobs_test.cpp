#include <algorithm>
#include <ranges>
#include <set>
#include <thread>

#include "common/model/limits.hpp"
#include "tests/roundtrip/farm.hpp"

namespace stint {
namespace {

auto numbers(std::uint64_t count) {
  return std::views::iota(std::uint64_t{0}, count) |
         std::views::transform([](std::uint64_t i) { return std::to_string(i); });
}

}  // namespace

TEST_CASE("map writes and reads in one thread, each task once") {
  Farm farm;
  farm.hires(2);
  Client client(farm.options());
  constexpr std::uint64_t kTasks = 300'000;  // more than all windows together
  std::vector<int> seen(kTasks);
  const auto payloads = numbers(kTasks);
  for (const TaskResult& result : client.open({.kind = "echo"}).map(payloads)) {
    REQUIRE(result.state == TaskState::done);
    REQUIRE(result.result == std::to_string(result.index));
    ++seen[result.index];
  }
  CHECK(std::ranges::count(seen, 1) == kTasks);
}

TEST_CASE("a thread for each direction, in order") {
  Farm farm;
  farm.hires(2);
  Client client(farm.options());
  Job job = client.open({.kind = "echo", .order = true});
  std::thread writer([job]() mutable {
    for (int i = 0; i < 50'000; ++i) job.write(std::to_string(i));
    job.close();
  });
  std::uint64_t next = 0;
  for (const TaskResult& result : job.results()) CHECK(result.index == next++);
  writer.join();
  CHECK(next == 50'000);
  CHECK(job.ended());
}

TEST_CASE("an empty job ends at once") {
  Farm farm;
  Client client(farm.options());
  Job job = client.open({.kind = "echo"});
  job.close();
  CHECK_FALSE(job.next());
  CHECK(job.wait().ended);
}

TEST_CASE("failures come with their text") {
  Farm farm;
  farm.hires(1);
  Client client(farm.options());
  Job job = client.open({.kind = "fail"});
  job.write("bananas");
  job.close();
  const auto result = job.next();
  REQUIRE(result);
  CHECK(result->state == TaskState::failed);
  CHECK(result->failure == Failure::rejected);
  CHECK(result->error == "no bananas");
  CHECK(result->attempt == 1);
  CHECK_FALSE(job.next());
  CHECK(job.wait().counts.failed == 1);
}

TEST_CASE("what was read last stays valid while other jobs are read") {
  constexpr Index kTasks = 100;
  Farm farm;
  farm.hires(1);
  Client client(farm.options());
  Job good = client.open({.kind = "echo"});
  Job bad = client.open({.kind = "fail"});
  const auto last_of = [](Job& job) {
    for (Index i = 0; i < kTasks; ++i) job.write("bananas");
    for (Index i = 1; i < kTasks; ++i) job.next();
    return job.next();
  };
  const auto done = last_of(good);
  const auto failed = last_of(bad);
  REQUIRE(done);
  REQUIRE(failed);
  CHECK(done->result == "bananas");
  CHECK(done->error.empty());
  CHECK(failed->result.empty());
  CHECK(failed->error == "no bananas");
  CHECK(failed->worker == done->worker);
}

TEST_CASE("the largest payload passes, a larger one is refused by name") {
  Farm farm;
  farm.hires(1);
  Client client(farm.options());
  Job job = client.open({.kind = "echo"});
  const std::string largest(limits::kMaxPayloadBytes, 'x');
  for (int i = 0; i < 5; ++i) job.write(largest);
  CHECK_THROWS_WITH_AS(job.write(largest + "x"), doctest::Contains("8388609 bytes"), Refused);
  job.close();
  int count = 0;
  for (const TaskResult& result : job.results()) count += result.result.size() == largest.size() ? 1 : 0;
  CHECK(count == 5);
}

TEST_CASE("a slow reader stops the writer, and nothing else") {
  Farm farm;
  farm.hires(2);
  Client client(farm.options());
  Job job = client.open({.kind = "echo"});
  const std::string payload(1000, 'x');
  std::uint64_t written = 0;
  while (has(job.poll(Ready::writable, Timeout(1000)), Ready::writable)) {
    while (job.try_write(payload)) ++written;
    REQUIRE(written < 200'000);
  }
  CHECK_THROWS_AS(job.write(payload, Timeout(0)), TimedOut);
  Job other = client.open({.kind = "echo"});
  other.write("quick");
  CHECK(other.next()->result == "quick");
  std::uint64_t read = 0;
  while (read < written) read += job.next() ? 1 : 0;
  job.write(payload);
  job.close();
  CHECK(job.next());
  CHECK_FALSE(job.next());
}

TEST_CASE("a kept job is read by many, by index if they like") {
  Farm farm;
  farm.hires(2);
  Client writer(farm.options());
  Job job = writer.open({.kind = "echo", .name = "kept", .key = "kept-key", .results = ResultsPolicy::keep});
  for (int i = 0; i < 1000; ++i) job.write(std::to_string(i));
  job.close();
  CHECK(job.wait().counts.done == 1000);
  Client reader(farm.options());
  SUBCASE("by name, in the order of ending") {
    Job again = reader.attach("kept");
    std::set<Index> seen;
    for (const TaskResult& result : again.results()) seen.insert(result.index);
    CHECK(seen.size() == 1000);
    CHECK_THROWS_AS(again.write("x"), Refused);
  }
  SUBCASE("by key, from an index on") {
    Index next = 990;
    for (const TaskResult& result : reader.attach("kept-key", {.order = true, .from = 990}).results()) {
      CHECK(result.index == next++);
    }
    CHECK(next == 1000);
  }
  SUBCASE("by the writer too, after waiting") {
    int count = 0;
    while (job.next()) ++count;
    CHECK(count == 1000);
  }
}

TEST_CASE("results that were not acknowledged by hand come again to the next reader") {
  Farm farm;
  farm.hires(1);
  {
    Client first(farm.options());
    Job job = first.open({.kind = "echo", .key = "again", .order = true});
    for (int i = 0; i < 10; ++i) job.write(std::to_string(i));
    job.close();
    job.flush();
    job.set_ack_mode(AckMode::by_hand);
    for (int i = 0; i < 10; ++i) {
      const auto result = job.next();
      if (i == 3) job.ack(result->position);
    }
  }
  Client second(farm.options());
  Job job = second.open({.kind = "echo", .key = "again", .order = true});
  CHECK(job.resumed() == 10);
  CHECK(job.next()->index == 4);
}

TEST_CASE("a job is continued by its key, and only with the same input") {
  Farm farm;
  farm.hires(1);
  {
    Client first(farm.options());
    Job job = first.open({.kind = "echo", .key = "k"});
    for (int i = 0; i < 100; ++i) job.write(std::to_string(i));
    job.flush();
  }
  Client second(farm.options());
  Job job = second.open({.kind = "echo", .key = "k"});
  CHECK(job.resumed() == 100);
  SUBCASE("the same") {
    for (int i = 0; i < 150; ++i) job.write(std::to_string(i));
    job.close();
    int count = 0;
    for ([[maybe_unused]] const TaskResult& result : job.results()) ++count;
    CHECK(count == 150);
  }
  SUBCASE("another") {
    for (int i = 0; i < 100; ++i) job.write("other");
    CHECK_THROWS_AS(job.flush(), Conflict);
  }
  SUBCASE("other options") { CHECK_THROWS_AS(Client(farm.options()).open({.kind = "fail", .key = "k"}), Conflict); }
}

TEST_CASE("the newest reader of a streaming job has it") {
  Farm farm;
  farm.hires(1);
  Client first(farm.options());
  Job job = first.open({.kind = "hold"});
  job.write("a");
  job.close();
  CHECK_FALSE(job.try_next());
  job.flush();
  auto options = farm.options();
  options.name = "pia";
  Client second(options);
  Job taken = second.attach(job.id());
  CHECK_FALSE(taken.try_next());
  CHECK_THROWS_WITH_AS(job.next(), doctest::Contains("pia"), Displaced);
  farm.lets_go();
  CHECK(taken.next()->result == "a");
  CHECK_FALSE(taken.next());
}

TEST_CASE("cancelling ends reading") {
  Farm farm;
  Client client(farm.options());
  Job job = client.open({.kind = "nobody"});
  for (int i = 0; i < 10; ++i) job.write("x");
  job.flush();
  job.cancel();
  while (job.next()) {
  }
  const JobReport report = job.wait();
  CHECK(report.state == JobState::cancelled);
  CHECK(report.counts.cancelled == 10);
  const auto write_on = [&] {
    job.write("x");
    job.flush();
  };
  CHECK_THROWS_AS(write_on(), Refused);
}

TEST_CASE("detaching lets the job go on") {
  Farm farm;
  Client client(farm.options());
  Job job = client.open({.kind = "echo"});
  job.write("x");
  job.close();
  CHECK_FALSE(job.try_next());
  job.detach();
  CHECK_FALSE(job.next());
  farm.hires(1);
  CHECK(job.wait().counts.done == 1);
}

}  // namespace stint
