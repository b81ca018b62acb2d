// ATTACH, ACK, DETACH: who reads a job's results, and how far it has come.
#include <algorithm>
#include <limits>

#include "broker/core/broker.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {

void Broker::on_attach(Client& client, const Attach& attach) {
  Job* job = find_job(attach.job);
  if (job == nullptr) return reject(client, ErrorCode::unknown_job, "there is no job " + std::to_string(value(attach.job)));
  if (attach.results && attach.order && job->is_streaming() && !job->options.order) {
    return reject(client, ErrorCode::bad_value, "the results of this job are consumed in the order of ending: open it with order to read them so");
  }
  Reader reader;
  reader.client = client.incarnation;
  reader.reading = attach.reading;
  reader.results = attach.results;
  reader.ordered = job->options.order || attach.order;
  reader.next = attach.upto;
  reader.limit_tasks = attach.limit_tasks;
  reader.limit_bytes = attach.limit_bytes;
  if (attach.results && job->is_streaming()) {
    if (!number_reader(client, *job, attach, reader)) return;
    consume(*job, attach.upto);
    reader.next = std::max(reader.next, job->consumed);
    // A new reader cannot know how far those before it have come: its window begins where it does.
    const std::uint64_t ahead = reader.next - attach.upto;
    reader.limit_tasks += std::min(ahead, std::numeric_limits<std::uint64_t>::max() - reader.limit_tasks);
  }
  if (reader.results && reader.ordered && !job->indexed && !job->in_store) {  // a kept job, read by index for the first time
    job->indexed = true;
    std::uint64_t position = job->log.begin();
    while (const auto piece = job->log.read(position, job->log.end())) {
      job->by_index.append(*piece);
      position = behind(*piece);
    }
  }
  std::erase_if(job->readers, [&](const Reader& other) { return other.client == client.incarnation; });
  job->readers.push_back(std::move(reader));
  client.reads.insert(job->id);
  Reader& added = job->readers.back();
  if (!job->told.ended) {
    tell_status(*job, added);
  } else if (added.number != ReaderId{}) {  // the end comes behind the results, but its number it must know to come back under it
    say(client, JobStatus{job->id, JobState::closed, job->told.counts, added.number, job->results_end(), {}, added.reading});
  }
  stirred_jobs_.insert(job->id);
}

// One reader at a time consumes a streaming job: the newest. A reader that comes back under its number is not new.
bool Broker::number_reader(Client& client, Job& job, const Attach& attach, Reader& reader) {
  const bool is_new = attach.reader == ReaderId{} || value(attach.reader) > job.readers_seen;
  if (!is_new && value(attach.reader) < job.readers_seen) {
    reject(client, ErrorCode::displaced, "a newer reader has taken over the results of job " + std::to_string(value(job.id)));
    return false;
  }
  if (is_new) {
    job.readers_seen = std::max(job.readers_seen + 1, value(attach.reader));
    put(job);
  }
  reader.number = ReaderId{job.readers_seen};
  for (const Reader& other : job.readers) {
    if (!other.results || other.client == client.incarnation) continue;
    if (Client* displaced = find_client(other.client)) {
      say(*displaced, Error{0, ErrorCode::displaced, false,
                            escaped(client.name) + " has taken over the results of job " + std::to_string(value(job.id)), 0, {}, job.id});
      displaced->reads.erase(job.id);
    }
  }
  std::erase_if(job.readers, [&](const Reader& other) { return other.results && other.client != client.incarnation; });
  return true;
}

void Broker::on_ack(Client& client, const Ack& ack) {
  Job* job = find_job(ack.job);
  Reader* reader = job == nullptr ? nullptr : job->reader_of(client.incarnation);
  if (reader == nullptr) return;  // displaced, or the job was forgotten: it has been told
  while (!reader->in_flight.empty() && reader->in_flight.front().first <= ack.upto) {
    reader->unacked_bytes -= reader->in_flight.front().second;
    reader->in_flight.pop_front();
  }
  reader->acked = std::max(reader->acked, ack.upto);
  reader->limit_tasks = std::max(reader->limit_tasks, ack.limit_tasks);
  if (reader->results && job->is_streaming()) consume(*job, std::min(ack.upto, reader->next));
  stirred_jobs_.insert(job->id);
}

// A streaming job's reader has what is below: it is forgotten, and as much may be handed out anew.
void Broker::consume(Job& job, std::uint64_t upto) {
  upto = std::min(upto, job.results_end());
  if (upto <= job.consumed) return;
  job.consumed = upto;
  job.log.trim(upto);
  job.by_index.trim(upto);
  change(TrimResults{job.id, upto});
  stirred_jobs_.insert(job.id);
}

void Broker::on_detach(Client& client, const Detach& detach) {
  if (Job* job = find_job(detach.job)) {
    std::erase_if(job->readers, [&](const Reader& reader) { return reader.client == client.incarnation; });
  }
  client.reads.erase(detach.job);
}

void Broker::leave_readers(Client& client) {
  for (const JobId id : client.reads) {
    if (Job* job = find_job(id)) std::erase_if(job->readers, [&](const Reader& reader) { return reader.client == client.incarnation; });
  }
  client.reads.clear();
}

}  // namespace stint::broker
