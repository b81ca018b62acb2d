// The fields of every message by their names on the wire, once for both directions: a FieldWriter or a FieldReader
// visits them.
//
//   Fields<Ack>::visit(writer, ack);         // ack -> msgpack map
//   Fields<Ack>::visit(reader, ack);         // msgpack map -> ack
//
// A field that has its default is left out of the map, and an absent field has its default. The default is zero, false
// or empty, unless it stands here as the last argument; it is then the one in messages.hpp. Names are kept for ever: a
// name whose meaning would change gets a successor instead.
#pragma once

#include <string_view>

#include "common/model/limits.hpp"
#include "common/model/messages.hpp"
#include "common/wire/codec.hpp"

namespace stint::wire {

template <class M>
struct Fields;

// --- parts of messages
// -------------------------------------------------------------------------------------------------------

template <>
struct Fields<HeldLease> {
  static void visit(auto& field, auto& m) {
    field.number("lease", m.lease);
    field.number("job", m.job);
    field.runs("runs", m.runs);
  }
};

template <>
struct Fields<Drop> {
  static void visit(auto& field, auto& m) {
    field.number("lease", m.lease);
    field.runs("runs", m.runs);
  }
};

template <>
struct Fields<JobOptions> {
  static void visit(auto& field, auto& m) {
    field.name("key", m.key);
    field.name("name", m.name);
    field.name("kind", m.kind);
    field.integer("priority", m.priority);
    field.number("max_attempts", m.max_attempts, 3U);
    field.number("max_losses", m.max_losses, 3U);
    field.milliseconds("time_limit_ms", m.time_limit, 0U);
    field.milliseconds("backoff_base_ms", m.backoff_base, 1'000U);
    field.milliseconds("backoff_cap_ms", m.backoff_cap, 60'000U);
    field.bytes("context", m.context, limits::kMaxContextBytes);
    field.choice("results", m.results, ResultsPolicy::discard);
    field.flag("order", m.order);
    field.choice("on_writer_gone", m.on_writer_gone, WriterGone::cancel);
    field.number("max_failures", m.max_failures);
  }
};

template <>
struct Fields<Counts> {
  static void visit(auto& field, auto& m) {
    field.number("queued", m.queued);
    field.number("delayed", m.delayed);
    field.number("running", m.running);
    field.number("done", m.done);
    field.number("failed", m.failed);
    field.number("cancelled", m.cancelled);
  }
};

// --- greeting
// ----------------------------------------------------------------------------------------------------------------

template <>
struct Fields<Hello> {
  static constexpr MessageType kType = MessageType::hello;
  static constexpr std::string_view kName = "HELLO";
  static void visit(auto& field, auto& m) {
    field.choice("role", m.role, Role::worker, Role::client);
    field.name("name", m.name);
    field.number("incarnation", m.incarnation);
    field.number("hello_no", m.hello_no);
    field.number("store", m.store);
    field.number("version", m.version, std::uint32_t{kProtocolMajor});
    field.names("kinds", m.kinds, limits::kMaxKinds);
    field.number("slots", m.slots);
    field.flag("draining", m.draining);
    field.list("held", m.held, limits::kMaxHeldLeases);
  }
};

template <>
struct Fields<Welcome> {
  static constexpr MessageType kType = MessageType::welcome;
  static constexpr std::string_view kName = "WELCOME";
  static void visit(auto& field, auto& m) {
    field.number("hello_no", m.hello_no);
    field.number("version", m.version, std::uint32_t{kProtocolMajor});
    field.number("store", m.store);
    field.number("epoch", m.epoch);
    field.name("name", m.name);
    field.number("heartbeat_ms", m.heartbeat_ms);
    field.number("liveness", m.liveness);
    field.number("max_payload_bytes", m.max_payload_bytes);
    field.number("batch_bytes", m.batch_bytes);
    field.number("unacked_bytes", m.unacked_bytes);
    field.list("drop", m.drop, limits::kMaxHeldLeases);
  }
};

template <>
struct Fields<HelloAgain> {
  static constexpr MessageType kType = MessageType::hello_again;
  static constexpr std::string_view kName = "HELLO_AGAIN";
  static void visit(auto& field, auto& m) { field.text("reason", m.reason); }
};

template <>
struct Fields<Heartbeat> {
  static constexpr MessageType kType = MessageType::heartbeat;
  static constexpr std::string_view kName = "HEARTBEAT";
  static void visit(auto& field, auto& m) {
    field.number("started", m.started);
    field.number("queued", m.queued);
    field.number("upto", m.upto);
    field.number("heartbeat_ms", m.heartbeat_ms);
  }
};

template <>
struct Fields<Bye> {
  static constexpr MessageType kType = MessageType::bye;
  static constexpr std::string_view kName = "BYE";
  static void visit(auto& field, auto& m) {
    field.text("reason", m.reason);
    field.number("retry_after_ms", m.retry_after_ms);
  }
};

template <>
struct Fields<Error> {
  static constexpr MessageType kType = MessageType::error;
  static constexpr std::string_view kName = "ERROR";
  static void visit(auto& field, auto& m) {
    field.number("re_seq", m.re_seq);
    field.number("code", m.code);
    field.flag("retryable", m.retryable);
    field.text("text", m.text);
    field.number("expected", m.expected);
    field.number("req", m.req);
    field.number("job", m.job);
  }
};

// --- client
// ------------------------------------------------------------------------------------------------------------------

template <>
struct Fields<Open> {
  static constexpr MessageType kType = MessageType::open;
  static constexpr std::string_view kName = "OPEN";
  static void visit(auto& field, auto& m) {
    field.number("req", m.req);
    Fields<JobOptions>::visit(field, m.options);
    field.number("job", m.job);
  }
};

template <>
struct Fields<Opened> {
  static constexpr MessageType kType = MessageType::opened;
  static constexpr std::string_view kName = "OPENED";
  static void visit(auto& field, auto& m) {
    field.number("req", m.req);
    field.number("job", m.job);
    field.number("next", m.next);
    field.number("bytes", m.bytes);
    field.number("limit_tasks", m.limit_tasks);
    field.number("limit_bytes", m.limit_bytes);
    field.choice("state", m.state, JobState::ended);
    field.flag("closed", m.closed);
    field.number("digest", m.digest);
  }
};

template <>
struct Fields<Submit> {
  static constexpr MessageType kType = MessageType::submit;
  static constexpr std::string_view kName = "SUBMIT";
  static void visit(auto& field, auto& m) {
    field.number("job", m.job);
    field.number("first", m.first);
    field.flag("now", m.now);
    field.batch(m.tasks);
    field.fits(m.first, m.tasks.count());
  }
};

template <>
struct Fields<Accepted> {
  static constexpr MessageType kType = MessageType::accepted;
  static constexpr std::string_view kName = "ACCEPTED";
  static void visit(auto& field, auto& m) {
    field.number("job", m.job);
    field.number("next", m.next);
    field.number("limit_tasks", m.limit_tasks);
    field.number("limit_bytes", m.limit_bytes);
    field.number("digest", m.digest);
    field.flag("closed", m.closed);
    field.text("reason", m.reason);
  }
};

template <>
struct Fields<Close> {
  static constexpr MessageType kType = MessageType::close;
  static constexpr std::string_view kName = "CLOSE";
  static void visit(auto& field, auto& m) {
    field.number("job", m.job);
    field.number("total", m.total);
  }
};

template <>
struct Fields<Attach> {
  static constexpr MessageType kType = MessageType::attach;
  static constexpr std::string_view kName = "ATTACH";
  static void visit(auto& field, auto& m) {
    field.number("job", m.job);
    field.number("reader", m.reader);
    field.flag("results", m.results, true);
    field.flag("order", m.order);
    field.number("upto", m.upto);
    field.number("limit_tasks", m.limit_tasks);
    field.number("limit_bytes", m.limit_bytes);
    field.number("reading", m.reading);
  }
};

template <>
struct Fields<Detach> {
  static constexpr MessageType kType = MessageType::detach;
  static constexpr std::string_view kName = "DETACH";
  static void visit(auto& field, auto& m) { field.number("job", m.job); }
};

template <>
struct Fields<JobResults> {
  static constexpr MessageType kType = MessageType::job_results;
  static constexpr std::string_view kName = "JOB_RESULTS";
  static void visit(auto& field, auto& m) {
    field.number("job", m.job);
    field.number("position", m.position);
    field.number("attempt", m.attempt, 1U);
    field.name("worker", m.worker);
    field.outcomes(m.outcomes);
    field.number("reading", m.reading);
    field.fits(m.position, m.outcomes.count());
  }
};

template <>
struct Fields<Ack> {
  static constexpr MessageType kType = MessageType::ack;
  static constexpr std::string_view kName = "ACK";
  static void visit(auto& field, auto& m) {
    field.number("job", m.job);
    field.number("upto", m.upto);
    field.number("limit_tasks", m.limit_tasks);
  }
};

template <>
struct Fields<JobStatus> {
  static constexpr MessageType kType = MessageType::job;
  static constexpr std::string_view kName = "JOB";
  static void visit(auto& field, auto& m) {
    field.number("job", m.job);
    field.choice("state", m.state, JobState::ended);
    Fields<Counts>::visit(field, m.counts);
    field.number("reader", m.reader);
    field.number("results", m.results);
    field.text("reason", m.reason);
    field.number("reading", m.reading);
  }
};

// --- worker
// ------------------------------------------------------------------------------------------------------------------

template <>
struct Fields<JobInfo> {
  static constexpr MessageType kType = MessageType::job_info;
  static constexpr std::string_view kName = "JOB_INFO";
  static void visit(auto& field, auto& m) {
    field.number("job", m.job);
    field.flag("gone", m.gone);
    field.name("kind", m.kind);
    field.name("name", m.name);
    field.bytes("context", m.context, limits::kMaxContextBytes);
    field.number("time_limit_ms", m.time_limit_ms);
    field.flag("discard", m.discard);
  }
};

template <>
struct Fields<Tasks> {
  static constexpr MessageType kType = MessageType::tasks;
  static constexpr std::string_view kName = "TASKS";
  static void visit(auto& field, auto& m) {
    field.number("lease", m.lease);
    field.number("job", m.job);
    field.number("attempt", m.attempt, 1U);
    field.choice("suspect", m.suspicion, Suspicion::alone);
    field.batch(m.tasks);
    field.indices(m.indices, m.tasks.count());
  }
};

template <>
struct Fields<LeaseResults> {
  static constexpr MessageType kType = MessageType::results;
  static constexpr std::string_view kName = "RESULTS";
  static void visit(auto& field, auto& m) {
    field.number("lease", m.lease);
    field.outcomes(m.outcomes);
  }
};

template <>
struct Fields<ResultsAck> {
  static constexpr MessageType kType = MessageType::results_ack;
  static constexpr std::string_view kName = "RESULTS_ACK";
  static void visit(auto& field, auto& m) { field.number("upto", m.upto); }
};

template <>
struct Fields<Recall> {
  static constexpr MessageType kType = MessageType::recall;
  static constexpr std::string_view kName = "RECALL";
  static void visit(auto& field, auto& m) {
    field.number("lease", m.lease);
    field.runs("runs", m.runs);
    field.choice("mode", m.mode, RecallMode::stop);
  }
};

template <>
struct Fields<Release> {
  static constexpr MessageType kType = MessageType::release;
  static constexpr std::string_view kName = "RELEASE";
  static void visit(auto& field, auto& m) {
    field.number("lease", m.lease);
    field.runs("runs", m.runs);
  }
};

template <>
struct Fields<Drain> {
  static constexpr MessageType kType = MessageType::drain;
  static constexpr std::string_view kName = "DRAIN";
  static void visit(auto& field, auto& m) { field.number("deadline_ms", m.deadline_ms); }
};

template <>
struct Fields<Progress> {
  static constexpr MessageType kType = MessageType::progress;
  static constexpr std::string_view kName = "PROGRESS";
  static void visit(auto& field, auto& m) {
    field.number("lease", m.lease);
    field.number("index", m.index);
    field.fraction("fraction", m.fraction);
    field.text("text", m.text);
  }
};

template <>
struct Fields<State> {
  static constexpr MessageType kType = MessageType::state;
  static constexpr std::string_view kName = "STATE";
  static void visit(auto& field, auto& m) {
    field.names("kinds", m.kinds, limits::kMaxKinds);
    field.number("slots", m.slots);
    field.flag("draining", m.draining);
  }
};

// --- steering
// ----------------------------------------------------------------------------------------------------------------

template <>
struct Fields<Command> {
  static constexpr MessageType kType = MessageType::command;
  static constexpr std::string_view kName = "COMMAND";
  static void visit(auto& field, auto& m) {
    field.number("req", m.req);
    field.name("verb", m.verb);
    field.name("selector", m.selector);
    field.names("names", m.names, limits::kMaxBodyElements);
    field.name("kind", m.kind);
    field.number("count", m.count);
    field.flag("all", m.all);
    field.number("deadline_ms", m.deadline_ms);
    field.integer("priority", m.priority);
  }
};

template <>
struct Fields<Done> {
  static constexpr MessageType kType = MessageType::done;
  static constexpr std::string_view kName = "DONE";
  static void visit(auto& field, auto& m) {
    field.number("req", m.req);
    field.names("affected", m.affected, limits::kMaxBodyElements);
  }
};

template <>
struct Fields<Query> {
  static constexpr MessageType kType = MessageType::query;
  static constexpr std::string_view kName = "QUERY";
  static void visit(auto& field, auto& m) {
    field.number("req", m.req);
    field.name("what", m.what);
    field.name("selector", m.selector);
    field.number("cursor", m.cursor);
    field.number("limit", m.limit);
  }
};

template <>
struct Fields<Answer> {
  static constexpr MessageType kType = MessageType::answer;
  static constexpr std::string_view kName = "ANSWER";
  static void visit(auto& field, auto& m) {
    field.number("req", m.req);
    field.rows("rows", m.rows, limits::kMaxRowsPerAnswer);
    field.number("next", m.next);
  }
};

// --- events
// ------------------------------------------------------------------------------------------------------------------

template <>
struct Fields<Event> {
  static constexpr MessageType kType = MessageType::event;
  static constexpr std::string_view kName = "EVENT";
  static void visit(auto& field, auto& m) {
    field.name("event", m.event);
    field.number("epoch", m.epoch);
    field.number("store", m.store);
    field.number("seq", m.seq);
    field.row("fields", m.fields);
  }
};

}  // namespace stint::wire
