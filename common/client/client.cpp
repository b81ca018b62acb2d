// The public face, sentence by sentence: what a call means is in stint/client.hpp, how it is done in shell.cpp and
// channel.cpp.
#include "stint/client.hpp"

#include <charconv>
#include <utility>

#include "common/client/channel.hpp"
#include "common/client/shell.hpp"
#include "common/model/escape.hpp"
#include "common/net/endpoint.hpp"

namespace stint {
namespace {

using client::deadline_of;

JobState state_of(std::string_view text) {
  for (const JobState state : {JobState::open, JobState::closed, JobState::paused, JobState::cancelled}) {
    if (text == to_string(state)) return state;
  }
  return JobState::ended;
}

JobReport report_of(const Row& row) {
  JobReport report;
  report.id = JobId{row.number("job")};
  report.name = row.text("name");
  report.kind = row.text("kind");
  report.state = state_of(row.text("state"));
  report.counts.queued = row.number("queued");
  report.counts.delayed = row.number("delayed");
  report.counts.running = row.number("running");
  report.counts.done = row.number("done");
  report.counts.failed = row.number("failed");
  report.counts.cancelled = row.number("cancelled");
  report.reason = row.text("reason");
  report.ended = report.state == JobState::ended || (report.state == JobState::cancelled && report.counts.left() == 0);
  return report;
}

Row row_of(client::Shell& shell, std::string_view selector) {
  Query query;
  query.what = "job";
  query.selector = selector;
  std::vector<Row> rows = shell.query(std::move(query));
  if (rows.empty()) throw Refused("there is no job '" + escaped(selector) + "'", ErrorCode::unknown_job);
  return rows.front();
}

std::vector<std::string> steer(client::Shell& shell, std::string_view verb, std::string_view selector) {
  Command command;
  command.verb = verb;
  command.selector = selector;
  return shell.command(std::move(command));
}

std::string text_of(JobId id) { return std::to_string(value(id)); }

}  // namespace

// --- Job ---

JobId Job::id() const { return channel_->id(); }
const std::string& Job::key() const { return channel_->identity().key; }
std::uint64_t Job::resumed() const { return channel_->resumed(); }

void Job::write(std::string_view payload, Timeout timeout) { channel_->write(payload, timeout); }
bool Job::try_write(std::string_view payload) { return channel_->try_write(payload); }
void Job::flush(Timeout timeout) { channel_->flush(deadline_of(timeout)); }
void Job::close() { channel_->close(); }

std::optional<TaskResult> Job::next(Timeout timeout) { return channel_->next(timeout); }
std::optional<TaskResult> Job::try_next() { return channel_->try_next(); }
void Job::ack(std::uint64_t position) { channel_->ack(position); }
void Job::set_ack_mode(AckMode ack) { channel_->set_ack_mode(ack); }
Ready Job::poll(Ready wanted, Timeout timeout) { return channel_->poll(wanted, timeout); }
bool Job::ended() const { return channel_->ended(); }

JobReport Job::status() { return report_of(row_of(channel_->shell(), text_of(id()))); }
JobReport Job::wait(Timeout timeout) { return channel_->wait_ended(deadline_of(timeout)); }
void Job::detach() { channel_->detach(); }
void Job::cancel() { steer(channel_->shell(), "cancel", text_of(id())); }

// --- Client ---

Client::Client(ClientOptions options) {
  try {
    shell_ = std::make_shared<client::Shell>(std::move(options));
  } catch (const EndpointError& error) {
    throw Refused(error.what(), ErrorCode::bad_value);
  }
  shell_->start();
}

Client::~Client() { shell_->stop(); }

Job Client::open(const JobOptions& options) { return Job(shell_->open(options)); }

Job Client::attach(std::string_view selector, AttachOptions options) {
  const Row row = row_of(*shell_, selector);
  const Value* order = row.find("order");
  const auto* by_index = order == nullptr ? nullptr : std::get_if<bool>(order);
  client::Channel::Identity identity;
  identity.name = row.text("name");
  identity.kind = row.text("kind");
  identity.order = by_index != nullptr && *by_index;
  return Job(shell_->attach(JobId{row.number("job")}, std::move(identity), options));
}

Job Client::attach(JobId id, AttachOptions options) { return attach(text_of(id), options); }

std::vector<std::string> Client::pause(std::string_view selector) { return steer(*shell_, "pause", selector); }
std::vector<std::string> Client::resume(std::string_view selector) { return steer(*shell_, "resume", selector); }
std::vector<std::string> Client::close(std::string_view selector) { return steer(*shell_, "close", selector); }
std::vector<std::string> Client::cancel(std::string_view selector) { return steer(*shell_, "cancel", selector); }
std::vector<std::string> Client::forget(std::string_view selector) { return steer(*shell_, "forget", selector); }

std::vector<std::string> Client::retry(std::string_view selector) { return steer(*shell_, "retry", selector); }

std::vector<std::string> Client::set_priority(std::string_view selector, std::int32_t priority) {
  Command command;
  command.verb = "priority";
  command.selector = selector;
  command.priority = priority;
  return shell_->command(std::move(command));
}

std::vector<std::string> Client::drain(const DrainOptions& options) {
  Command command;
  command.verb = "drain";
  command.names = options.workers;
  command.kind = options.kind;
  command.count = options.count;
  command.all = options.all;
  command.deadline_ms = static_cast<std::uint32_t>(options.deadline.count());
  return shell_->command(std::move(command));
}

std::vector<Row> Client::query(std::string_view what, std::string_view selector) {
  Query query;
  query.what = what;
  query.selector = selector;
  return shell_->query(std::move(query));
}

JobReport Client::status(std::string_view selector) { return report_of(row_of(*shell_, selector)); }

void Client::interrupt() { shell_->interrupt(); }

const std::string& Client::endpoint() const { return shell_->endpoint(); }

}  // namespace stint
