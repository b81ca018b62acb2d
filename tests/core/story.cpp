#include "tests/core/story.hpp"

#include <algorithm>
#include <stdexcept>

#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

constexpr std::size_t kToldOneByOne = 8;  // more results than these are told in runs

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> from(const std::vector<std::string>& words, std::size_t first) {
  if (words.size() < first) throw std::invalid_argument("too few words");
  return {words.begin() + static_cast<std::ptrdiff_t>(first), words.end()};
}

// name=value
std::optional<std::string> option(const std::string& word, const std::string& name) {
  if (!word.starts_with(name + "=")) return std::nullopt;
  return word.substr(name.size() + 1);
}

std::optional<std::uint64_t> number(const std::string& word, const std::string& name) {
  const auto text = option(word, name);
  return text ? std::optional(std::stoull(*text)) : std::nullopt;
}

// 400ms or 30s
Duration duration(const std::string& word) {
  std::size_t digits = 0;
  const auto count = std::stoll(word, &digits);
  const std::string unit = word.substr(digits);
  if (unit == "ms") return std::chrono::milliseconds(count);
  if (unit == "s") return std::chrono::seconds(count);
  throw std::invalid_argument("no time: " + word);
}

// Tasks as they stand, or "3000 tasks", each of which is its own number. Both may follow each other.
std::vector<std::string> tasks_of(const std::vector<std::string>& words, Index first) {
  std::vector<std::string> tasks;
  for (const std::string& word : words) {
    if (word != "tasks") {
      tasks.push_back(word);
      continue;
    }
    const std::size_t count = std::stoull(tasks.back());
    tasks.pop_back();
    for (std::string& task : numbered(count, first + tasks.size())) tasks.push_back(std::move(task));
  }
  return tasks;
}

std::string text_of(const std::vector<Index>& indices) {
  std::string text;
  for (std::size_t i = 0; i < indices.size();) {
    std::size_t end = i + 1;
    while (end < indices.size() && indices[end] == indices[end - 1] + 1) ++end;
    if (end - i > 3) {
      text += " " + std::to_string(indices[i]) + " to " + std::to_string(indices[end - 1]);
    } else {
      for (std::size_t each = i; each < end; ++each) text += " " + std::to_string(indices[each]);
    }
    i = end;
  }
  return text;
}

std::string counts_of(const Row& row) {
  std::string text;
  for (const char* name : {"queued", "delayed", "running", "done", "failed", "cancelled"}) {
    if (row.number(name) > 0) text += " " + std::to_string(row.number(name)) + " " + name;
  }
  return row.number("total") == 0 ? " empty" : text;
}

std::string mail_text(const Message& message) {
  if (const auto* error = std::get_if<Error>(&message)) return "is told: " + error->text;
  if (const auto* recall = std::get_if<Recall>(&message)) {
    return recall->mode == RecallMode::stop ? "is told to stop" : "is asked for what it has not started";
  }
  if (const auto* again = std::get_if<HelloAgain>(&message)) return "is told to greet again: " + again->reason;
  if (const auto* bye = std::get_if<Bye>(&message)) return "is told goodbye: " + bye->reason;
  if (const auto* done = std::get_if<Done>(&message)) {
    std::string affected;
    for (const std::string& each : done->affected) affected += " " + each;
    return "is answered: done to" + (affected.empty() ? " nobody" : affected);
  }
  if (std::holds_alternative<Drain>(message)) return "is told to finish and leave";
  return "gets a message";
}

}  // namespace

// --- what is done
// -----------------------------------------------------------------------------------------------------------

void Story::does(const std::string& command) {
  const Words words = words_of(command);
  try {
    if (words[0] == "broker") return sets_up_broker(from(words, 1));
    if (does_to_broker(words) || does_to_peer(words) || does_as_worker(words) || does_as_client(words)) return;
    throw std::invalid_argument("no such command");
  } catch (const std::logic_error& error) {
    throw std::invalid_argument("'" + command + "': " + error.what());
  }
}

Farm& Story::farm() {
  if (!farm_) farm_.emplace(options_);
  return *farm_;
}

FarmPeer& Story::peer(const std::string& name) const { return *peers_.at(name); }

FarmWorker& Story::worker(const std::string& name) const {
  auto* found = dynamic_cast<FarmWorker*>(peers_.at(name));
  if (found == nullptr) throw std::invalid_argument(name + " is no worker");
  return *found;
}

FarmClient& Story::client(const std::string& name) const {
  auto* found = dynamic_cast<FarmClient*>(peers_.at(name));
  if (found == nullptr) throw std::invalid_argument(name + " is no client");
  return *found;
}

void Story::sets_up_broker(const Words& options) {
  if (farm_) throw std::invalid_argument("the broker stands already");
  for (const std::string& word : options) {
    if (word == "durable") {
      options_.durable = true;
    } else if (const auto backlog = number(word, "backlog")) {
      options_.backlog_bytes = *backlog;
    } else if (const auto keep = number(word, "keep")) {
      options_.keep_bytes = *keep;
    } else if (const auto jobs = number(word, "jobs")) {
      options_.kept_jobs = static_cast<std::uint32_t>(*jobs);
    } else {
      throw std::invalid_argument("no such option: " + word);
    }
  }
}

bool Story::does_to_broker(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "pass") {
    farm().passes(duration(words.at(1)));
  } else if (verb == "stall") {
    farm().broker_sleeps(duration(words.at(1)));
  } else if (verb == "watch") {
    farm().subscribes(words.at(1));
  } else if (verb == "hold") {
    farm().holds_commits();
  } else if (verb == "commit") {
    farm().commits();
  } else if (verb == "restart") {
    farm().broker_restarts();
  } else if (verb == "copy") {
    farm().copies_disk();
  } else if (verb == "restore") {
    farm().broker_restarts_from_copy();
  } else if (verb == "full") {
    farm().fills_disk("the disk is full: make room");
  } else if (verb == "room") {
    farm().fills_disk({});
  } else if (verb == "shutdown") {
    farm().shuts_down();
  } else {
    return false;
  }
  return true;
}

bool Story::does_to_peer(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "crowd") return adds_crowd(std::stoull(words.at(1))), true;
  if (verb == "greet") return greets(words.at(1)), true;
  if (verb == "die") {
    peer(words.at(1)).silent = true;
  } else if (verb == "revive") {
    peer(words.at(1)).silent = false;
    peer(words.at(1)).beats();
  } else if (verb == "lose") {
    peer(words.at(1)).loses_a_message();
  } else if (verb == "beat") {
    peer(words.at(1)).beats();
  } else if (verb == "leave") {
    peer(words.at(1)).leaves();
  } else {
    return false;
  }
  return true;
}

bool Story::does_as_worker(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "worker") return adds_worker(words.at(1), from(words, 2)), true;
  if (verb == "finish" && words.size() == 2) {
    worker(words[1]).finishes_all();
  } else if (verb == "finish") {
    std::vector<Index> indices;
    for (const std::string& task : from(words, 2)) indices.push_back(std::stoull(task));
    worker(words[1]).finishes(indices);
  } else if (verb == "fail") {
    const bool is_late = words.size() > 3 && words[3] == "timeout";
    worker(words.at(1)).fails(std::stoull(words.at(2)), is_late ? Failure::timed_out : Failure::failed);
  } else if (verb == "claim") {
    claims(worker(words.at(1)), std::stoull(words.at(2)));
  } else if (verb == "release") {
    worker(words.at(1)).releases_all();
  } else {
    return false;
  }
  return true;
}

void Story::adds_worker(const std::string& name, const Words& options) {
  WorkerSpec spec{.name = name};
  for (const std::string& word : options) {
    if (const auto slots = number(word, "slots")) {
      spec.slots = static_cast<std::uint32_t>(*slots);
    } else if (const auto pace = option(word, "pace")) {
      spec.pace = [each = duration(*pace)](const HeldTask& task) { return task.payload == "poison" ? -1ms : each; };
    } else if (const auto kinds = option(word, "kinds")) {
      spec.kinds.clear();
      std::istringstream list(*kinds);
      for (std::string kind; std::getline(list, kind, ',');) spec.kinds.push_back(kind);
    } else {
      throw std::invalid_argument("no such option: " + word);
    }
  }
  FarmWorker& made = farm().worker(spec);
  peers_[name] = &made;
  if (spec.pace) paced_.insert(&made);
}

void Story::adds_crowd(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) crowd_.push_back(&farm().worker({.name = "crowd-" + std::to_string(i)}));
}

void Story::greets(const std::string& name) {
  if (name != "crowd") return peer(name).greets();
  for (FarmWorker* each : crowd_) each->greets();
}

// A result under the lease in which the worker had the task last, or under one that it never had.
void Story::claims(FarmWorker& worker, Index index) {
  const auto lease = last_lease_.find({worker.incarnation(), index});
  worker.claims(lease == last_lease_.end() ? LeaseId{1} : lease->second, index);
}

bool Story::does_as_client(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "client") {
    for (const std::string& name : from(words, 1)) peers_[name] = &farm().client(name);
    return true;
  }
  FarmClient& who = client(words.at(1));
  const auto job = [&] { return JobId{std::stoull(words.at(2))}; };
  if (verb == "run" || verb == "open") {
    opens(who, words.at(2), from(words, 3), verb == "run");
  } else if (verb == "speak") {
    who.hello.version = static_cast<std::uint32_t>(std::stoul(words.at(2)));
    who.greets();
  } else if (verb == "write") {
    writes(who, job(), tasks_of(from(words, 3), who.written[job()]));
  } else if (verb == "submit") {
    who.submits(job(), std::stoull(words.at(3)), from(words, 4), true);
    who.written[job()] = who.accepted[job()].next;
  } else if (verb == "close") {
    who.closes(job());
  } else if (verb == "read") {
    reads(who, job(), from(words, 3));
  } else if (verb == "ack") {
    who.acks(job(), std::stoull(words.at(3)), std::stoull(words.at(4)));
  } else if (verb == "again") {
    who.says(last_command_.at(words[1]));
  } else if (verb == "drain") {
    Command command;
    command.verb = verb;
    command.count = std::stoull(words.at(2));
    commands(who, command);
  } else if (verb == "workers") {
    for (const Row& row : who.asks("workers")) {
      notes_ << "worker " << row.text("worker") << " is " << row.text("state") << ", slots " << row.number("slots")
             << "\n";
    }
  } else if (verb == "pause" || verb == "resume" || verb == "cancel" || verb == "forget" || verb == "retry" ||
             verb == "priority") {
    Command command;
    command.verb = verb;
    command.selector = words.at(2);
    if (verb == "priority") command.priority = std::stoi(words.at(3));
    commands(who, command);
  } else {
    return false;
  }
  return true;
}

void Story::commands(FarmClient& client, Command command) {
  command.req = RequestId{++client.last_req};
  last_command_[client.hello.name] = command;
  client.says(std::move(command));
}

void Story::opens(FarmClient& client, const std::string& kind, Words words, bool whole) {
  JobOptions options{.kind = kind};
  bool unread = false;
  const auto is_option = [&](const std::string& word) {
    if (word == "order") return options.order = true;
    if (word == "unread") return unread = true;
    if (word == "keep") return options.results = ResultsPolicy::keep, true;
    if (word == "discard") return options.results = ResultsPolicy::discard, true;
    if (word == "or-cancel") return options.on_writer_gone = WriterGone::cancel, true;
    if (const auto key = option(word, "key")) return options.key = *key, true;
    if (const auto name = option(word, "name")) return options.name = *name, true;
    if (const auto priority = option(word, "priority")) return options.priority = std::stoi(*priority), true;
    if (const auto wait = option(word, "backoff")) {
      options.backoff_base = std::chrono::duration_cast<std::chrono::milliseconds>(duration(*wait));
      return true;
    }
    if (const auto attempts = number(word, "attempts"))
      return options.max_attempts = static_cast<std::uint32_t>(*attempts), true;
    if (const auto failures = number(word, "failures")) return options.max_failures = *failures, true;
    return false;
  };
  while (!words.empty() && is_option(words.front())) words.erase(words.begin());
  const JobId job = client.opens(options);
  if (job == JobId{}) return;
  if (client.written[job] > 0)
    notes_ << client.name() << " goes on with job " << value(job) << " at task " << client.written[job] << "\n";
  if (!unread) client.reads(job, limits::kReaderWindowTasks);
  writes(client, job, tasks_of(words, client.written[job]));
  if (whole) client.closes(job);
}

// In messages of a thousand.
void Story::writes(FarmClient& client, JobId job, const std::vector<std::string>& tasks) {
  for (auto at = tasks.begin(); at != tasks.end();) {
    const auto end = at + std::min<std::ptrdiff_t>(1000, tasks.end() - at);
    client.writes(job, std::vector<std::string>(at, end));
    at = end;
  }
}

// A new reader at the start, or, with `again`, the same one at its position. With `limit` it acknowledges by command
// only.
void Story::reads(FarmClient& client, JobId job, const Words& options) {
  Reading& reading = client.reading[job];
  Attach attach;
  attach.job = job;
  reading.window = limits::kReaderWindowTasks;
  for (const std::string& word : options) {
    if (word == "again") {
      attach.reader = reading.status.reader;
      attach.upto = reading.next;
    } else if (word == "order") {
      attach.order = true;
    } else if (const auto position = number(word, "from")) {
      attach.upto = *position;
    } else if (const auto limit = number(word, "limit")) {
      attach.limit_tasks = *limit;
      reading.window = 0;
    } else {
      throw std::invalid_argument("no such option: " + word);
    }
  }
  ends_.erase({client.incarnation(), job});
  client.attaches(attach);
}

// --- what is seen
// -----------------------------------------------------------------------------------------------------------

std::string Story::sees() {
  std::ostringstream out;
  out << std::exchange(notes_, {}).str();
  for (const auto& [name, peer] : peers_) {
    sees_greeting(*peer, out);
    if (auto* worker = dynamic_cast<FarmWorker*>(peer)) sees_tasks(*worker, out);
    if (auto* client = dynamic_cast<FarmClient*>(peer)) sees_client(*client, out);
    for (; !peer->mail.empty(); peer->mail.pop_front()) out << name << " " << mail_text(peer->mail.front()) << "\n";
  }
  sees_crowd(out);
  sees_jobs(out);
  sees_events(out);
  const std::string text = out.str();
  return text.empty() ? "(nothing)\n" : text;
}

void Story::sees_greeting(FarmPeer& peer, std::ostream& out) {
  std::uint32_t& welcomes = welcomes_[peer.incarnation()];
  if (peer.welcomes == welcomes) return;
  StoreId& store = stores_[peer.incarnation()];
  if (std::exchange(welcomes, peer.welcomes) > 0) {
    out << peer.name() << " is welcome again";
    if (peer.welcome.store != store) out << ", to a broker with another store";
    for (const Drop& drop : peer.welcome.drop) {
      std::vector<Index> indices;
      for (const Run& run : drop.runs) {
        for (Index index = run.first; index < run.end(); ++index) indices.push_back(index);
      }
      out << ", and drops tasks" << text_of(indices);
    }
    out << "\n";
  }
  store = peer.welcome.store;
}

void Story::sees_tasks(FarmWorker& worker, std::ostream& out) {
  if (paced_.contains(&worker)) {
    if (worker.silent && dead_.insert(worker.incarnation()).second) out << worker.name() << " dies\n";
    return;
  }
  std::map<std::string, std::vector<Index>> gained;
  for (const HeldTask& task : worker.held) {
    last_lease_[{worker.incarnation(), task.index}] = task.lease;
    if (!tasks_.emplace(worker.incarnation(), task.lease, task.index).second) continue;
    std::string how = task.attempt > 1 ? ", attempt " + std::to_string(task.attempt) : "";
    if (task.suspicion == Suspicion::one_per_slot) how += ", one for each slot";
    if (task.suspicion == Suspicion::alone) how += ", alone";
    if (task.job != JobId{1}) how = " of job " + std::to_string(value(task.job)) + how;
    gained[how].push_back(task.index);
  }
  for (const auto& [how, tasks] : gained) out << worker.name() << " gets tasks" << text_of(tasks) << how << "\n";
}

void Story::sees_client(FarmClient& client, std::ostream& out) {
  for (const auto& [job, accepted] : client.accepted) {
    Accepted& told = accepted_[{client.incarnation(), job}];
    if (accepted.next > told.next) {
      out << client.name() << " is told that job " << value(job) << " has accepted " << accepted.next
          << (accepted.next == 1 ? " task" : " tasks") << "\n";
    }
    if (accepted.reason != told.reason) {
      out << client.name() << (accepted.reason.empty() ? " may go on" : " has to wait: " + accepted.reason) << "\n";
    }
    told = accepted;
  }
  for (const auto& [job, reading] : client.reading) {
    std::size_t& told = results_[{client.incarnation(), job}];
    sees_results(client, reading, std::exchange(told, reading.results.size()), out);
    if (reading.ended && ends_.emplace(client.incarnation(), job).second) out << client.name() << " reads the end\n";
  }
}

// Each one, or in runs where they are many, as long as each result is what a numbered task gives.
void Story::sees_results(const FarmClient& client, const Reading& reading, std::size_t from, std::ostream& out) const {
  const auto& results = reading.results;
  const auto is_plain = [&](const ReadResult& result) {
    return !result.failure && result.result == std::to_string(result.index);
  };
  const bool in_runs = results.size() - from > kToldOneByOne;
  for (std::size_t i = from; i < results.size();) {
    std::size_t end = i + 1;
    if (in_runs && is_plain(results[i])) {
      while (end < results.size() && is_plain(results[end]) && results[end].index == results[end - 1].index + 1) ++end;
    }
    if (end - i > 1) {
      out << client.name() << " reads tasks " << results[i].index << " to " << results[end - 1].index << "\n";
    } else {
      out << client.name() << " reads task " << results[i].index << ": "
          << (results[i].failure ? "failed, " + results[i].error : results[i].result) << "\n";
    }
    i = end;
  }
}

void Story::sees_crowd(std::ostream& out) {
  if (crowd_.empty()) return;
  std::size_t again = 0;
  for (FarmWorker* each : crowd_) {
    if (each->has<HelloAgain>()) ++again;
    each->mail.clear();
  }
  if (again > 0) out << again << " of the crowd are told to greet again\n";
  const Row row = farm().asks("broker").at(0);
  const std::string text = "the broker has " + std::to_string(row.number("workers")) + " workers; they beat every " +
                           std::to_string(row.number("heartbeat_ms")) + " ms\n";
  if (std::exchange(crowd_seen_, text) != text) out << text;
}

void Story::sees_jobs(std::ostream& out) {
  std::set<std::uint64_t> there;
  for (const Row& row : farm().asks("jobs")) {
    const std::uint64_t job = row.number("job");
    there.insert(job);
    std::string line = "job " + std::to_string(job) + " " + row.text("state") + ":" + counts_of(row);
    if (const std::string reason = row.text("reason"); !reason.empty()) line += "; " + reason;
    if (std::exchange(jobs_[job], line) != line) out << line << "\n";
  }
  std::erase_if(jobs_, [&](const auto& job) {
    if (there.contains(job.first)) return false;
    out << "job " << job.first << " is gone\n";
    return true;
  });
}

void Story::sees_events(std::ostream& out) {
  const auto& events = farm().all_events();
  for (; events_ < events.size(); ++events_) {
    const Event& event = events[events_];
    out << "event " << event.topic << " " << event.seq << " " << event.event;
    if (event.fields.find("total") != nullptr) out << ":" << counts_of(event.fields);
    out << "\n";
  }
}

}  // namespace stint::broker
