#include <atomic>
#include <future>
#include <thread>

#include "tests/roundtrip/farm.hpp"

namespace stint {

TEST_CASE("without a broker the client says where it looked, and what helps") {
  ClientOptions options;
  options.endpoint = "tcp://127.0.0.1:9";
  options.timeout = Timeout(50);
  CHECK_THROWS_WITH_AS(Client{options}, doctest::Contains("tcp://127.0.0.1:9"), Unreachable);
}

TEST_CASE("an address that is none is refused") {
  ClientOptions options;
  options.endpoint = "localhost";
  CHECK_THROWS_WITH_AS(Client{options}, doctest::Contains("localhost"), Refused);
}

TEST_CASE("a broker that comes back without its memory has no job, and the client is told") {
  Farm farm;
  std::promise<void> back;
  auto options = farm.options();
  options.on_notice = [&](const Notice& notice) {
    if (notice.kind == Notice::Kind::reconnected) back.set_value();
  };
  Client client(options);
  Job job = client.open({.kind = "echo"});
  job.write("x");
  job.flush();
  farm.restarts_the_broker();
  CHECK_THROWS_AS(job.next(), JobGone);
  CHECK_THROWS_AS(job.write("y"), JobGone);
  back.get_future().wait();
  farm.hires(1);
  Job anew = client.open({.kind = "echo"});
  anew.write("z");
  CHECK(anew.next()->result == "z");
}

TEST_CASE("a broker that stays away is given up after the client's patience") {
  Farm farm;
  auto options = farm.options();
  options.patience = Timeout(50);
  Client client(options);
  Job job = client.open({.kind = "echo"});
  farm.stops_the_broker();
  CHECK_THROWS_AS(job.next(), Unreachable);
  CHECK_THROWS_AS(client.query("jobs"), Unreachable);
}

TEST_CASE("interrupting wakes whoever waits, and steering still works") {
  Farm farm;
  Client client(farm.options());
  Job job = client.open({.kind = "nobody"});
  auto waiting = std::async(std::launch::async, [job]() mutable { job.next(); });
  client.interrupt();
  CHECK_THROWS_AS(waiting.get(), Interrupted);
  CHECK_THROWS_AS(job.write("x"), Interrupted);
  CHECK(client.cancel(std::to_string(value(job.id()))).size() == 1);
}

TEST_CASE("steering and asking") {
  Farm farm;
  farm.hires(1);
  Client client(farm.options());
  Job job = client.open({.kind = "echo", .name = "painted"});
  const std::string id = std::to_string(value(job.id()));
  CHECK(client.pause("painted") == std::vector<std::string>{id});
  job.write("x");
  job.close();
  job.flush();
  CHECK(client.status("painted").state == JobState::paused);
  CHECK(job.status().counts.queued == 1);
  CHECK(client.query("jobs").size() == 1);
  CHECK(client.set_priority(job.key(), 3).size() == 1);
  client.resume(id);
  CHECK(job.next()->result == "x");
  CHECK_FALSE(job.next());
  CHECK(client.forget(id).size() == 1);
  CHECK_THROWS_AS(client.status(id), Refused);
  CHECK_THROWS_WITH_AS(client.query("weather"), doctest::Contains("weather"), Refused);
}

TEST_CASE("more jobs than one answer holds are listed all the same") {
  Farm farm;
  Client client(farm.options());
  std::vector<Job> jobs;
  for (int i = 0; i < 600; ++i) jobs.push_back(client.open({.kind = "echo"}));
  CHECK(client.query("jobs").size() == 600);
}

TEST_CASE("a handle that outlives its client throws, and does not crash") {
  Farm farm;
  std::optional<Job> job;
  {
    Client client(farm.options());
    job = client.open({.kind = "echo"});
  }
  CHECK_THROWS_AS(job->write("x"), ClientError);
  CHECK_THROWS_AS(job->next(), ClientError);
}

TEST_CASE("a job whose handles are gone still gets what was written") {
  Farm farm;
  Client client(farm.options());
  for (int i = 0; i < 20; ++i) {
    Job job = client.open({.kind = "echo", .name = "n" + std::to_string(i)});
    for (int k = 0; k < 100; ++k) job.write("x");
    job.close();
  }
  for (int i = 0; i < 20; ++i) {
    std::optional<JobReport> report;
    do report = client.status("n" + std::to_string(i));
    while (report->state != JobState::closed);
    CHECK(report->counts.total() == 100);
  }
}

}  // namespace stint
