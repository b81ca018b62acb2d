#include "tests/sim/trace.hpp"

namespace stint::sim {
namespace {

std::string num(std::uint64_t number) { return std::to_string(number); }
std::string lease(LeaseId id) { return " lease " + num(value(id) & 0xFF'FFFF'FFFF); }
std::string job(JobId id) { return " job " + num(value(id)); }

std::string tasks(const Indices& indices) {
  if (indices.is_run()) return " [" + num(indices.run().first) + "," + num(indices.run().end()) + ")";
  std::string text = " {";
  for (const Index index : indices.table()) text += num(index) + " ";
  return text + "}";
}

std::string failures(const Outcomes& outcomes) {
  std::string text;
  for (const NotDone& each : outcomes.not_done) {
    text += " " + num(outcomes.indices.at(each.position)) + ":" + std::string(to_string(each.code));
  }
  return text;
}

struct Describe {
  std::string operator()(const Hello& m) const {
    std::string text = "HELLO " + m.name + " no " + num(m.hello_no) + (m.draining ? " draining" : "");
    for (const HeldLease& held : m.held) text += lease(held.lease) + job(held.job) + described(held.runs);
    return text;
  }
  std::string operator()(const Welcome& m) const {
    std::string text = "WELCOME " + m.name + " no " + num(m.hello_no);
    for (const Drop& drop : m.drop) text += " drop" + lease(drop.lease) + described(drop.runs);
    return text;
  }
  std::string operator()(const HelloAgain& m) const { return "HELLO_AGAIN " + m.reason; }
  std::string operator()(const Heartbeat& m) const { return "HEARTBEAT upto " + num(m.upto); }
  std::string operator()(const Bye& m) const { return "BYE " + m.reason; }
  std::string operator()(const Error& m) const { return "ERROR re " + num(m.re_seq) + job(m.job) + " " + m.text; }
  std::string operator()(const Open& m) const { return "OPEN " + m.options.key + " req " + num(value(m.req)); }
  std::string operator()(const Opened& m) const {
    return "OPENED" + job(m.job) + " next " + num(m.next) + " limit " + num(m.limit_tasks) + "/" + num(m.limit_bytes) +
           (m.closed ? " closed" : "");
  }
  std::string operator()(const Submit& m) const {
    return "SUBMIT" + job(m.job) + tasks(Indices(Run{m.first, m.tasks.count()})) + (m.now ? " now" : "");
  }
  std::string operator()(const Accepted& m) const {
    return "ACCEPTED" + job(m.job) + " next " + num(m.next) + " limit " + num(m.limit_tasks) + "/" +
           num(m.limit_bytes) + (m.closed ? " closed " : " ") + m.reason;
  }
  std::string operator()(const Close& m) const { return "CLOSE" + job(m.job) + " total " + num(m.total); }
  std::string operator()(const Attach& m) const {
    return "ATTACH" + job(m.job) + " reader " + num(value(m.reader)) + " upto " + num(m.upto) +
           (m.order ? " ordered" : "") + (m.results ? "" : " state") + " reading " + num(m.reading);
  }
  std::string operator()(const Detach& m) const { return "DETACH" + job(m.job); }
  std::string operator()(const JobResults& m) const {
    return "RESULTS" + job(m.job) + " at " + num(m.position) + tasks(m.outcomes.indices) + " attempt " +
           num(m.attempt) + " reading " + num(m.reading) + failures(m.outcomes);
  }
  std::string operator()(const Ack& m) const { return "ACK" + job(m.job) + " upto " + num(m.upto); }
  std::string operator()(const JobStatus& m) const {
    return "JOB" + job(m.job) + " " + std::string(to_string(m.state)) + " " + described(m.counts) + " results " +
           num(m.results) + " reading " + num(m.reading) + " " + m.reason;
  }
  std::string operator()(const JobInfo& m) const { return "JOB_INFO" + job(m.job) + (m.gone ? " gone" : " " + m.kind); }
  std::string operator()(const Tasks& m) const {
    return "TASKS" + lease(m.lease) + job(m.job) + tasks(m.indices) + " attempt " + num(m.attempt) + " suspicion " +
           num(static_cast<unsigned>(m.suspicion));
  }
  std::string operator()(const LeaseResults& m) const {
    return "RESULTS" + lease(m.lease) + tasks(m.outcomes.indices) + failures(m.outcomes);
  }
  std::string operator()(const ResultsAck& m) const { return "RESULTS_ACK upto " + num(m.upto); }
  std::string operator()(const Recall& m) const {
    return "RECALL" + lease(m.lease) + described(m.runs) + (m.mode == RecallMode::stop ? " stop" : " unstarted");
  }
  std::string operator()(const Release& m) const { return "RELEASE" + lease(m.lease) + described(m.runs); }
  std::string operator()(const Drain& m) const { return "DRAIN " + num(m.deadline_ms) + " ms"; }
  std::string operator()(const Progress& m) const { return "PROGRESS" + lease(m.lease) + " " + num(m.index); }
  std::string operator()(const State& m) const {
    return "STATE slots " + num(m.slots) + (m.draining ? " draining" : "");
  }
  std::string operator()(const Command& m) const {
    return "COMMAND " + m.verb + " " + m.selector + " count " + num(m.count) + " req " + num(value(m.req));
  }
  std::string operator()(const Done& m) const {
    std::string text = "DONE req " + num(value(m.req));
    for (const std::string& each : m.affected) text += " " + each;
    return text;
  }
  std::string operator()(const Query& m) const { return "QUERY " + m.what + " " + m.selector; }
  std::string operator()(const Answer& m) const { return "ANSWER rows " + num(m.rows.size()); }
};

}  // namespace

std::string described(const Envelope& envelope) {
  return num(value(envelope.session)) + "/" + num(envelope.seq) + " " + std::visit(Describe{}, envelope.message);
}

std::string described(const Event& event) {
  std::string text = event.topic + " " + event.event + " #" + num(event.seq);
  for (const char* name : {"state", "total", "queued", "delayed", "running", "done", "failed", "cancelled"}) {
    if (event.fields.find(name) == nullptr) continue;
    const std::string said = event.fields.text(name);
    text += std::string(" ") + name + "=" + (said.empty() ? num(event.fields.number(name)) : said);
  }
  return text;
}

std::string described(const std::vector<Run>& runs) {
  std::string text;
  for (const Run& run : runs) text += " [" + num(run.first) + "," + num(run.end()) + ")";
  return text;
}

std::string described(const Counts& counts) {
  return num(counts.queued) + "q " + num(counts.delayed) + "w " + num(counts.running) + "r " + num(counts.done) + "d " +
         num(counts.failed) + "f " + num(counts.cancelled) + "c";
}

std::string described(const broker::Fetched& fetched) {
  if (const auto* tasks = std::get_if<broker::FetchedTasks>(&fetched)) {
    return "read back: tasks of job " + num(value(tasks->wanted.job)) + " from " + num(tasks->wanted.first) + ", " +
           num(tasks->chunks.size()) + " chunks";
  }
  const auto& results = std::get<broker::FetchedResults>(fetched);
  return "read back: results of job " + num(value(results.wanted.job)) + " from " + num(results.wanted.from) + ", " +
         num(results.results.size()) + " pieces" + (results.next ? ", next " + num(*results.next) : "");
}

}  // namespace stint::sim
