// Results on their way to the readers of a job, as far as each one's window allows; behind the last one, the end.
#include <algorithm>
#include <limits>

#include "broker/core/broker.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {

namespace {

Outcomes failures_of(const Outcomes& outcomes) {
  OutcomesBuilder failures;
  for (OutcomeCursor task(outcomes); !task.done(); task.next()) {
    if (task.not_done() != nullptr) failures.copy(task);
  }
  return failures.take();
}

}  // namespace

void Broker::apply(ResultsDecided& decided) {
  Job* job = find_job(decided.results.job);
  if (job == nullptr) return;
  const Outcomes& outcomes = decided.results.outcomes;
  for (std::uint32_t i = 0; outcomes.sizes.is_uniform() ? i < std::min(1U, outcomes.count()) : i < outcomes.count(); ++i) {
    job->largest_output = std::max<std::uint64_t>(job->largest_output, outcomes.sizes.at(i));
  }
  tell_outcomes(*job, decided.results);
  if (job->options.results == ResultsPolicy::discard) {  // only failures are kept, to be looked at
    if (decided.results.outcomes.not_done.empty()) return;
    decided.results.outcomes = failures_of(decided.results.outcomes);
  }
  const std::uint64_t before = job->retained_bytes();
  if (job->indexed) job->by_index.append(decided.results);
  if (!job->options.order) job->log.append(std::move(decided.results));
  if (!job->is_streaming()) kept_bytes_ += job->retained_bytes() - before;
  stirred_jobs_.insert(job->id);
}

void Broker::deliver(Job& job) {
  for (Reader& reader : job.readers) deliver(job, reader);
}

void Broker::deliver(Job& job, Reader& reader) {
  Client* client = find_client(reader.client);
  if (client == nullptr || !client->reachable) return;
  if (reader.results) {
    for (;;) {
      const std::uint64_t end = reader.ordered ? job.by_index.end() : job.log.end();
      const std::uint64_t limit = std::min(end, reader.limit_tasks);
      auto piece = reader.ordered ? job.by_index.read(reader.next, limit, job.told.ended) : job.log.read(reader.next, limit);
      if (!piece) break;
      const std::uint64_t bytes = piece->outcomes.blob.size();
      if (reader.unacked_bytes > 0 && reader.unacked_bytes + bytes > reader.limit_bytes) return;
      const std::uint64_t gap = piece->position - reader.next;  // of tasks that have no result
      reader.limit_tasks += std::min(gap, std::numeric_limits<std::uint64_t>::max() - reader.limit_tasks);
      reader.next = behind(*piece);
      reader.unacked_bytes += bytes;
      reader.in_flight.emplace_back(reader.next, bytes);
      say(*client, std::move(*piece));
    }
    if (reader.next < (reader.ordered ? job.by_index.end() : job.log.end())) return;
  }
  if (job.told.ended && !reader.end_told) tell_status(job, reader);
}

// For people: why it stands still, or how it ended.
std::string Broker::status_text(const Job& job) const {
  if (job.told.ended) return job.end_reason;
  return job.standing_told ? job.standing.text : "";
}

void Broker::tell_status(Job& job, Reader& reader) {
  Client* client = find_client(reader.client);
  if (client == nullptr) return;
  reader.end_told = job.told.ended;
  say(*client, JobStatus{job.id, job.told_state(), job.told.counts, reader.number,
                         reader.ordered ? job.by_index.end() : job.log.end(), status_text(job)});
}

}  // namespace stint::broker
