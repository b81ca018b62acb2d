// Results on their way to the readers of a job, as far as each one's window allows; behind the last one, the end.
#include <algorithm>

#include "broker/core/broker.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {

void Broker::apply(ResultsDecided& decided) {
  Job* job = find_job(decided.results.job);
  if (job == nullptr) return;
  const Outcomes& outcomes = decided.results.outcomes;
  for (std::uint32_t i = 0; outcomes.sizes.is_uniform() ? i < std::min(1U, outcomes.count()) : i < outcomes.count(); ++i) {
    job->largest_output = std::max<std::uint64_t>(job->largest_output, outcomes.sizes.at(i));
  }
  tell_outcomes(*job, decided.results);
  decided.results = kept_of(*job, decided.results);
  if (decided.results.outcomes.count() == 0) return;
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
