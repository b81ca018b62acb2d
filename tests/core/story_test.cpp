// Stories: text files in tests/story that people can read. A line is a command; behind `----` stands what everybody
// sees of it.
//
//   worker w1 slots=2
//   ----
//   (nothing)
//
//   run ann echo a b
//   ----
//   w1 gets tasks 0 1
//   job 1 closed: 2 running
//
// Commands: client NAME | worker NAME [kinds=a,b] [slots=N] | run CLIENT KIND [order] [keep] TASK... | open ... (the
// same, left open) | write CLIENT JOB TASK... | close CLIENT JOB | read CLIENT JOB | pause, resume, cancel, forget
// CLIENT JOB | finish WORKER [TASK...] | fail WORKER TASK | release WORKER | die WORKER | revive WORKER | leave PEER |
// greet PEER | pass DURATION (ms). With STINT_REWRITE_STORIES set, the files are written anew: read what has changed
// before you keep it.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/core/farm.hpp"

namespace stint::broker {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string mail_text(const Message& message) {
  if (const auto* error = std::get_if<Error>(&message)) return "is told: " + error->text;
  if (const auto* recall = std::get_if<Recall>(&message)) {
    return recall->mode == RecallMode::stop ? "is told to stop" : "is asked for what it has not started";
  }
  if (std::holds_alternative<HelloAgain>(message)) return "is told to greet again";
  if (std::holds_alternative<Drain>(message)) return "is told to finish and leave";
  return "gets a message";
}

class Story {
 public:
  std::string tells(const std::string& line) {
    const auto words = words_of(line);
    REQUIRE_MESSAGE(words.size() >= 2, line);
    act(words);
    return sees();
  }

 private:
  FarmWorker& worker(const std::string& name) { return *dynamic_cast<FarmWorker*>(peers_.at(name)); }
  FarmClient& client(const std::string& name) { return *dynamic_cast<FarmClient*>(peers_.at(name)); }

  void act(const std::vector<std::string>& words) {
    const std::string& verb = words[0];
    const std::string& who = words[1];
    const auto rest = [&](std::size_t from) {
      return std::vector<std::string>(words.begin() + static_cast<std::ptrdiff_t>(from), words.end());
    };
    const auto job = [&] { return JobId{std::stoull(words.at(2))}; };
    if (verb == "client") return static_cast<void>(peers_[who] = &farm_.client(who));
    if (verb == "worker") return add_worker(who, rest(2));
    if (verb == "run" || verb == "open") return open(client(who), words.at(2), rest(3), verb == "run");
    if (verb == "write") return client(who).writes(job(), rest(3));
    if (verb == "close") return client(who).closes(job());
    if (verb == "read") return client(who).reads(job());
    if (verb == "pass") return farm_.passes(std::chrono::milliseconds(std::stoll(who)));
    if (verb == "die") return worker(who).dies();
    if (verb == "leave") return peers_.at(who)->leaves();
    if (verb == "greet") return peers_.at(who)->greets();
    if (verb == "release") return worker(who).releases_all();
    if (verb == "fail") return worker(who).fails(std::stoull(words.at(2)));
    if (verb == "finish") return finish(worker(who), rest(2));
    if (verb == "revive") {
      worker(who).silent = false;
      return worker(who).says(Heartbeat{});
    }
    client(who).commands(verb, job());
  }

  void add_worker(const std::string& name, const std::vector<std::string>& options) {
    WorkerSpec spec{.name = name};
    for (const std::string& option : options) {
      if (option.starts_with("slots=")) spec.slots = static_cast<std::uint32_t>(std::stoul(option.substr(6)));
      if (option.starts_with("kinds=")) {
        spec.kinds.clear();
        std::istringstream kinds(option.substr(6));
        for (std::string kind; std::getline(kinds, kind, ',');) spec.kinds.push_back(kind);
      }
    }
    peers_[name] = &farm_.worker(spec);
  }

  void open(FarmClient& client, const std::string& kind, std::vector<std::string> tasks, bool whole) {
    JobOptions options{.kind = kind};
    for (; !tasks.empty() && (tasks[0] == "order" || tasks[0] == "keep"); tasks.erase(tasks.begin())) {
      if (tasks[0] == "order") options.order = true;
      if (tasks[0] == "keep") options.results = ResultsPolicy::keep;
    }
    const JobId job = client.opens(options);
    client.reads(job);
    if (!tasks.empty()) client.writes(job, tasks);
    if (whole) client.closes(job);
  }

  static void finish(FarmWorker& worker, const std::vector<std::string>& tasks) {
    if (tasks.empty()) return worker.finishes_all();
    std::vector<Index> indices;
    for (const std::string& task : tasks) indices.push_back(std::stoull(task));
    worker.finishes(indices);
  }

  std::string sees() {
    std::ostringstream out;
    for (const auto& [name, peer] : peers_) {
      if (auto* worker = dynamic_cast<FarmWorker*>(peer)) sees_tasks(*worker, out);
      if (auto* client = dynamic_cast<FarmClient*>(peer)) sees_results(*client, out);
      for (; !peer->mail.empty(); peer->mail.pop_front()) out << name << " " << mail_text(peer->mail.front()) << "\n";
    }
    if (asker_ == nullptr) asker_ = &farm_.client("narrator");
    for (const Row& row : asker_->asks("jobs")) sees_job(row, out);
    const std::string text = out.str();
    return text.empty() ? "(nothing)\n" : text;
  }

  void sees_tasks(FarmWorker& worker, std::ostream& out) {
    std::map<std::string, std::string> gained;
    for (const HeldTask& task : worker.held) {
      if (!seen_.emplace(worker.incarnation(), task.lease, task.index).second) continue;
      std::string how = task.attempt > 1 ? ", attempt " + std::to_string(task.attempt) : "";
      if (task.suspicion == Suspicion::one_per_slot) how += ", one for each slot";
      if (task.suspicion == Suspicion::alone) how += ", alone";
      gained[how] += " " + std::to_string(task.index);
    }
    for (const auto& [how, tasks] : gained) out << worker.name() << " gets tasks" << tasks << how << "\n";
  }

  void sees_results(FarmClient& client, std::ostream& out) {
    for (const auto& [job, reading] : client.reading) {
      std::size_t& told = told_[{client.incarnation(), job}];
      for (; told < reading.results.size(); ++told) {
        const ReadResult& result = reading.results[told];
        out << client.name() << " reads task " << result.index << ": "
            << (result.failure ? "failed, " + result.error : result.result) << "\n";
      }
      if (reading.ended && ends_.emplace(client.incarnation(), job).second) out << client.name() << " reads the end\n";
    }
  }

  void sees_job(const Row& row, std::ostream& out) {
    std::string line = "job " + std::to_string(row.number("job")) + " " + row.text("state") + ":";
    for (const char* name : {"queued", "delayed", "running", "done", "failed", "cancelled"}) {
      if (row.number(name) > 0) line += " " + std::to_string(row.number(name)) + " " + name;
    }
    if (row.number("total") == 0) line += " empty";
    if (std::exchange(jobs_[row.number("job")], line) != line) out << line << "\n";
  }

  Farm farm_;
  std::map<std::string, FarmPeer*> peers_;
  FarmClient* asker_ = nullptr;
  std::set<std::tuple<Incarnation, LeaseId, Index>> seen_;
  std::map<std::pair<Incarnation, JobId>, std::size_t> told_;
  std::set<std::pair<Incarnation, JobId>> ends_;
  std::map<std::uint64_t, std::string> jobs_;
};

// The file with what stands behind each `----` told anew.
std::string retold(const std::string& text) {
  Story story;
  std::istringstream in(text);
  std::string out;
  std::string command;
  bool is_output = false;
  for (std::string line; std::getline(in, line);) {
    if (is_output && !line.empty()) continue;
    is_output = line == "----";
    out += line + "\n";
    if (is_output) out += story.tells(command);
    if (!line.empty() && !line.starts_with("#")) command = line;
  }
  return out;
}

TEST_CASE("stories") {
  const char* source = std::getenv("STINT_SOURCE");
  const std::filesystem::path folder = std::filesystem::path(source == nullptr ? "." : source) / "tests/story";
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".txt") continue;
    ++count;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::string now = retold(text);
    CHECK_MESSAGE(now == text, entry.path().filename().string() << " is told otherwise now:\n" << now);
    if (now != text && std::getenv("STINT_REWRITE_STORIES") != nullptr) std::ofstream(entry.path()) << now;
  }
  CHECK(count >= 5);
}

}  // namespace
}  // namespace stint::broker
