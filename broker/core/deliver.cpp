// Results on their way to the readers of a job, as far as each one's window allows; behind the last one, the end.
#include <algorithm>
#include <limits>

#include "broker/core/broker.hpp"
#include "common/model/limits.hpp"
#include "common/model/require.hpp"

namespace stint::broker {
namespace {

// Over tasks that have no result, since they were cancelled or discarded: such a gap takes no room.
void skip(Reader& reader, std::uint64_t to) {
  const std::uint64_t gap = to - reader.next;
  reader.limit_tasks += std::min(gap, std::numeric_limits<std::uint64_t>::max() - reader.limit_tasks);
  reader.next = to;
}

}  // namespace

void Broker::apply(ResultsDecided& decided) {
  Job* job = find_job(decided.results.job);
  if (job == nullptr) return;
  const Outcomes& outcomes = decided.results.outcomes;
  for (std::uint32_t i = 0; outcomes.sizes.is_uniform() ? i < std::min(1U, outcomes.count()) : i < outcomes.count(); ++i) {
    job->largest_output = std::max<std::uint64_t>(job->largest_output, outcomes.sizes.at(i));
  }
  job->waiting_bytes -= outcomes.blob.size();
  tell_outcomes(*job, decided.results);
  JobResults kept = kept_of(*job, std::move(decided.results));
  if (kept.outcomes.count() == 0) return;
  const std::uint64_t before = job->retained_bytes();
  retain(*job, std::move(kept));
  if (!job->is_streaming()) kept_bytes_ += job->retained_bytes() - before;
  stirred_jobs_.insert(job->id);
}

void Broker::retain(Job& job, JobResults results) {
  if (job.in_store) {
    const Indices& indices = results.outcomes.indices;
    job.stored_end = behind(results);
    job.stored_bytes += results.outcomes.blob.size();
    for (std::uint32_t i = indices.is_run() ? indices.count() - 1 : 0; i < indices.count(); ++i) {
      job.stored_index_end = std::max(job.stored_index_end, indices.at(i) + 1);
    }
    return;
  }
  if (job.indexed) job.by_index.append(results);
  if (!job.options.order) job.log.append(std::move(results));
}

void Broker::deliver(Job& job) {
  for (Reader& reader : job.readers) deliver(job, reader);
}

void Broker::deliver(Job& job, Reader& reader) {
  Client* client = find_client(reader.client);
  if (client == nullptr || !client->reachable) return;
  if (reader.results) {
    while (reader.next < std::min(job.results_end(reader.ordered), reader.limit_tasks)) {
      std::optional<JobResults> piece = job.in_store ? stored_piece(job, reader) : held_piece(job, reader);
      if (!piece) break;
      const std::uint64_t bytes = piece->outcomes.blob.size();
      if (reader.unacked_bytes > 0 && reader.unacked_bytes + bytes > reader.limit_bytes) return;
      skip(reader, piece->position);
      reader.next = behind(*piece);
      if (reader.next > reader.acked) {
        reader.unacked_bytes += bytes;
        reader.in_flight.emplace_back(reader.next, bytes);
      }
      piece->reading = reader.reading;
      say(*client, std::move(*piece));
    }
    if (reader.next < job.results_end(reader.ordered)) return;
  }
  if (job.told.ended && !reader.end_told) tell_status(job, reader);
}

std::optional<JobResults> Broker::held_piece(const Job& job, const Reader& reader) const {
  const std::uint64_t limit = std::min(job.results_end(reader.ordered), reader.limit_tasks);
  return reader.ordered ? job.by_index.read(reader.next, limit, job.told.ended) : job.log.read(reader.next, limit);
}

// What lies in the store is asked for a few megabytes at a time. By index, what is not there yet is asked for again when more has ended.
std::optional<JobResults> Broker::stored_piece(Job& job, Reader& reader) {
  while (!reader.fetched.empty() && behind(reader.fetched.front()) <= reader.next) reader.fetched.pop_front();
  if (!reader.fetched.empty()) {
    const JobResults& front = reader.fetched.front();
    const auto first = static_cast<std::uint32_t>(reader.next - front.position);
    const std::uint64_t most = std::min<std::uint64_t>(front.outcomes.count() - first, reader.limit_tasks - reader.next);
    return part_of(front, first, static_cast<std::uint32_t>(most));
  }
  const bool has_news = !reader.ordered || job.told.ended || job.stored_end > reader.looked_at;
  if (!reader.fetching && has_news) {
    reader.fetching = true;
    reader.looked_at = job.stored_end;
    out_->fetch(WantedResults{job.id, reader.ordered, reader.next, options_.read_ahead_bytes, job.stored_end});
  }
  return std::nullopt;
}

void Broker::take_in(FetchedResults fetched) {
  Job* job = find_job(fetched.wanted.job);
  if (job == nullptr) return;
  stirred_jobs_.insert(job->id);
  for (Reader& reader : job->readers) {
    if (!reader.fetching || reader.ordered != fetched.wanted.by_index || reader.next != fetched.wanted.from) continue;
    reader.fetching = false;
    if (!fetched.results.empty()) {
      STINT_REQUIRE(fetched.results.front().position == reader.next);
      reader.fetched.assign(fetched.results.begin(), fetched.results.end());
      reader.looked_at = 0;  // there may be more behind it
    } else {
      STINT_REQUIRE(reader.ordered);
      // A gap that nothing will fill. What was stored while the answer was under way was not there to be found: then it is asked for
      // again. The answer may be one to an earlier question, of this reader's predecessor or of another.
      reader.looked_at = fetched.wanted.known;
      const bool is_complete = job->told.ended && reader.looked_at == job->stored_end;
      if (is_complete) skip(reader, fetched.next.value_or(job->stored_index_end));
    }
  }
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
  say(*client, JobStatus{job.id, job.told_state(), job.told.counts, reader.number, job.results_end(reader.ordered), status_text(job),
                         reader.reading});
}

}  // namespace stint::broker
