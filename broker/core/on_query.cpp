// QUERY: what people and programs ask about jobs, workers and the broker itself.
#include <algorithm>
#include <array>
#include <charconv>

#include "broker/core/broker.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

std::string hex(std::uint64_t number, std::size_t digits) {
  std::array<char, 16> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number, 16).ptr;
  std::string plain(text.data(), end);
  return std::string(digits - std::min(digits, plain.size()), '0') + plain;
}

std::uint64_t milliseconds(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

void Broker::on_query(Client& client, const Query& query) {
  Answer answer{query.req, {}, 0};
  const std::uint32_t limit = query.limit == 0 ? limits::kMaxRowsPerAnswer : std::min(query.limit, limits::kMaxRowsPerAnswer);
  if (query.what == "job") {
    const Job* job = select_job(client, query.selector);
    if (job == nullptr) return;
    if (!job->told.opened) return when_committed(Asked{client.incarnation, client.session(), query});
    answer.rows.push_back(row_of(*job));
  } else if (query.what == "jobs") {  // the cursor is the first job id not yet listed
    for (auto at = jobs_.lower_bound(JobId{query.cursor}); at != jobs_.end(); ++at) {
      if (!at->second->told.opened) continue;
      if (answer.rows.size() == limit) {
        answer.next = value(at->first);
        break;
      }
      answer.rows.push_back(row_of(*at->second));
    }
  } else if (query.what == "workers") {  // the cursor is a place in the order of names
    std::uint64_t place = 0;
    for (const auto& [name, worker] : workers_) {
      if (place++ < query.cursor) continue;
      if (answer.rows.size() == limit) {
        answer.next = place - 1;
        break;
      }
      answer.rows.push_back(row_of(*worker));
    }
  } else if (query.what == "broker") {
    answer.rows.push_back(row_of_broker());
  } else {
    return reject(client, ErrorCode::bad_value, "nothing is called '" + query.what + "': ask for jobs, job, workers or broker");
  }
  say(client, std::move(answer));
}

void Broker::apply(const Asked& asked) {
  Client* client = find_client(asked.client);
  if (client != nullptr && client->session() == asked.session) on_query(*client, asked.query);
}

Row Broker::row_of(const Job& job) const {
  const Counts& counts = job.told.counts;
  const Standing standing = standing_of(job);
  const auto fetching = std::count_if(job.readers.begin(), job.readers.end(), [](const Reader& reader) { return reader.fetching; });
  std::string state(to_string(job.told_state()));
  if (job.told.ended && job.told.cancelled) state = "cancelled";
  Row row{{"job", value(job.id)},
          {"name", job.options.name},
          {"kind", job.options.kind},
          {"state", std::move(state)},
          {"total", counts.total()},
          {"queued", counts.queued},
          {"delayed", counts.delayed},
          {"running", counts.running},
          {"done", counts.done},
          {"failed", counts.failed},
          {"cancelled", counts.cancelled},
          {"left", counts.left()},
          {"redone", job.redone},
          {"losses", job.losses},
          {"workers", std::uint64_t{job.workers}},
          {"priority", std::int64_t{job.priority}},
          {"parent", value(job.parent)},
          {"dead_letters", std::uint64_t{job.dead_letters.size()}},
          {"key", job.options.key},
          {"results", std::string(to_string(job.options.results))},
          {"order", job.options.order},
          {"unread", job.results_end() - std::min(job.consumed, job.results_end())},
          {"readers", std::uint64_t{job.readers.size()}},
          {"fetching", static_cast<std::uint64_t>(fetching)},
          {"writer", job.writer_present && !job.told.closed && !job.told.ended},
          {"max_attempts", std::uint64_t{job.options.max_attempts}},
          {"max_losses", std::uint64_t{job.options.max_losses}},
          {"time_limit_ms", static_cast<std::uint64_t>(job.options.time_limit.count())},
          {"digest", hex(job.told.digest.value(), 8)},
          {"outcomes_digest", hex(job.told.outcomes_digest, 16)},
          {"stalled", std::string(standing.name)},
          {"reason", job.told.ended ? status_text(job) : standing.text}};
  if (job.told.ended) row.set("outcome", std::string(job.told.cancelled ? "cancelled" : counts.failed > 0 ? "failed" : "done"));
  return row;
}

Row Broker::row_of(const Worker& worker) const {
  return Row{{"worker", worker.name},
             {"kinds", worker.kinds},
             {"slots", std::uint64_t{worker.slots}},
             {"state", std::string(!worker.reachable ? "unreachable" : worker.draining ? "draining" : worker.held > 0 ? "busy" : "idle")},
             {"busy", std::uint64_t{std::min(worker.held, worker.slots)}},
             {"held", std::uint64_t{worker.held}},
             {"done", worker.done},
             {"failed", worker.failed},
             {"silent_ms", milliseconds(awake_.now() - worker.liveness.last_heard())},
             {"incarnation", hex(value(worker.incarnation), 16)}};
}

Row Broker::row_of_broker() const {
  std::uint64_t slots = 0;
  for (const auto& [name, worker] : workers_) slots += worker->slots;
  return Row{{"store", hex(value(options_.store), 16)},
             {"epoch", options_.epoch},
             {"jobs", std::uint64_t{jobs_.size()}},
             {"jobs_ended", std::uint64_t{ended_.size()}},
             {"workers", std::uint64_t{workers_.size()}},
             {"slots", slots},
             {"clients", std::uint64_t{peers_.size() - workers_.size()}},
             {"leases", std::uint64_t{leases_.size()}},
             {"backlog_bytes", backlog_bytes_},
             {"kept_bytes", kept_bytes_},
             {"late_results", late_},
             {"heartbeat_ms", milliseconds(heartbeat_interval())}};
}

}  // namespace stint::broker
