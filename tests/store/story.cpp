#include "story.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "driver.hpp"

namespace stint::broker {

std::string Chance::bytes(std::uint64_t most) {
  std::string all(below(most + 1), '\0');
  for (char& byte : all) byte = static_cast<char>(below(256));
  return all;
}

Change Story::next() {
  Change change = draw();
  model_.apply(change);
  return change;
}

const ModelJob* Story::some_job() {
  const std::size_t skipped = model_.jobs().count(left_alone_);
  if (model_.jobs().size() == skipped) return nullptr;
  auto at = model_.jobs().begin();
  std::advance(at, skipped + chance_.below(model_.jobs().size() - skipped));
  return &at->second;
}

Change Story::draw() {
  const ModelJob* job = some_job();
  if (job == nullptr || (model_.jobs().size() < 6 && chance_.one_in(50))) return new_job();
  const JobId id = job->put.job;
  switch (chance_.below(36)) {
    case 0:
      return changed(*job);
    case 1:
      return ReserveTasks{id, job->tasks.size() + chance_.below(1000)};
    case 2:
      return answer();
    case 3:
      return chance_.one_in(20) ? Change(ForgetJob{id}) : changed(*job);
    case 4:
    case 5:
      return trim(*job);
    case 6:
    case 7:
      return drop(*job);
    case 8:
      return failures(*job);
    default:
      return chance_.one_in(2) ? append(*job) : outcomes(*job);
  }
}

Change Story::new_job() {
  PutJob put = job_of(model_.last_job() + 1 + chance_.below(2));
  put.options.results = static_cast<ResultsPolicy>(chance_.below(3));
  put.options.order = chance_.one_in(2);
  put.options.context = chance_.bytes(100);
  put.options.time_limit = std::chrono::milliseconds(chance_.below(5000));
  put.parent = JobId{chance_.below(3)};
  return put;
}

Change Story::changed(const ModelJob& job) {
  PutJob put = job.put;
  put.priority = static_cast<std::int32_t>(chance_.below(9)) - 4;
  put.paused = chance_.one_in(2);
  put.started = put.started || chance_.one_in(2);
  put.readers += chance_.below(2);
  put.failures_excused = chance_.below(3);
  put.reason = chance_.one_in(2) ? "paused by \"someone\"" : "";
  return put;
}

Change Story::append(const ModelJob& job) {
  std::vector<std::string> payloads(1 + chance_.below(chance_.one_in(4) ? 300 : 3));
  const bool alike = chance_.one_in(2);
  const std::uint64_t most = chance_.one_in(50) ? 200'000 : 200;
  if (most > 200) payloads.resize(1);
  for (std::string& payload : payloads) payload = alike ? std::string(7, 'x') : chance_.bytes(most);
  Digest digest = job.digest;
  for (const std::string& payload : payloads) digest.add(payload);
  return AppendTasks{job.put.job, job.tasks.size(), batch_of(payloads), digest};
}

std::vector<Index> Story::some_unended(const ModelJob& job) {
  std::vector<Index> all;
  const bool scattered = chance_.one_in(2);
  Index at = job.dropped_below + (chance_.one_in(2) ? 0 : chance_.below(job.tasks.size() - job.dropped_below + 1));
  for (; at < job.tasks.size() && all.size() < 100; ++at) {
    if (job.ended.contains(at)) continue;
    if (!scattered || chance_.one_in(3)) all.push_back(at);
  }
  if (scattered && chance_.one_in(2)) std::reverse(all.begin(), all.end());
  return all;
}

Change Story::outcomes(const ModelJob& job) {
  const std::vector<Index> tasks = some_unended(job);
  if (tasks.empty()) return append(job);
  OutcomesBuilder builder;
  AppendOutcomes append{job.put.job, Indices(tasks), 0, 0, job.outcomes_digest + chance_.below(1000), {}, {}};
  for (const Index task : tasks) {
    const bool fails = chance_.one_in(5);
    ++(fails ? append.failed : append.done);
    const auto micros = static_cast<std::uint32_t>(chance_.below(1000));
    if (fails) {
      append.letters.emplace_back(task, Blob::copy_of(chance_.bytes(100)));
      builder.not_done(task, Failure::failed, chance_.bytes(5), chance_.bytes(50), micros, 3);
    } else {
      builder.done(task, chance_.bytes(chance_.one_in(500) ? 100'000 : 60), micros);
    }
  }
  if (job.put.options.results == ResultsPolicy::discard) return append;
  append.results.job = job.put.job;
  append.results.position = job.results.size();
  append.results.attempt = static_cast<Attempt>(1 + chance_.below(3));
  append.results.worker = "worker " + std::to_string(chance_.below(3));
  append.results.outcomes = builder.take();
  return append;
}

Change Story::failures(const ModelJob& job) {
  CountFailures count{job.put.job, {}};
  for (const Index task : some_unended(job)) count.failures.emplace_back(task, 1 + chance_.below(3));
  return count;
}

Change Story::trim(const ModelJob& job) {
  const std::uint64_t end = job.put.options.order ? job.tasks.size() : job.results.size();
  const std::uint64_t more = end > job.consumed ? chance_.below(end - job.consumed + 1) : 0;
  return TrimResults{job.put.job, job.consumed + more};
}

Change Story::drop(const ModelJob& job) {
  Index below = job.dropped_below;
  while (job.ended.contains(below)) ++below;
  return DropTasks{job.put.job, below - (below > job.dropped_below ? chance_.below(2) : 0)};
}

Change Story::answer() {
  PutAnswer answer{Incarnation{chance_.below(100)}, {RequestId{chance_.below(100)}, {"w1", "w\xc3\xa4"}}, {}};
  for (std::uint64_t n = chance_.below(3); n > 0; --n) answer.drains.push_back({Incarnation{~n}, 500});
  return answer;
}

}  // namespace stint::broker
