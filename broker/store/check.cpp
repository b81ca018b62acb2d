#include "broker/store/check.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <system_error>
#include <utility>

#include "broker/store/database.hpp"
#include "broker/store/directory.hpp"
#include "broker/store/recover.hpp"
#include "broker/store/rows.hpp"
#include "broker/store/schema.hpp"
#include "broker/store/store.hpp"
#include "broker/store/writer.hpp"
#include "common/model/escape.hpp"

namespace stint::broker {
namespace {

constexpr const char* kMostFindings = "PRAGMA integrity_check(20)";

std::string hex(std::uint64_t number, int digits) {
  char text[17];
  std::snprintf(text, sizeof text, "%0*llx", digits, static_cast<unsigned long long>(number));
  return text;
}

std::string count(std::uint64_t number, const char* what) { return std::to_string(number) + " " + what; }

// What the rows of one job add up to.
struct Sums {
  std::uint64_t task_bytes = 0;
  std::uint64_t result_bytes = 0;
  std::uint64_t results = 0;
  Index tasks_end = 0;                // from the first task on, as long as none is missing
  Digest digest;                      // of those
  std::uint64_t outcomes_digest = 0;  // of all results
};

class Check {
 public:
  explicit Check(Database& database) : database_(database) {}

  CheckReport run() {
    check_pages();
    if (report_.findings.empty()) {
      show_journaled();
      check_rows();
    }
    for (const std::string& finding : report_.findings) say("WRONG: " + escaped(finding));
    say(report_.findings.empty() ? "nothing is wrong with it" : count(report_.findings.size(), "findings"));
    return std::move(report_);
  }

 private:
  void check_pages();
  void show_journaled();
  void check_rows();
  void check_chunks();
  void check_results();
  void check_payloads();
  void check(const FoundJob& job);
  void say(const std::string& line) { report_.text += line + "\n"; }
  void find(std::string finding);

  Database& database_;
  CheckReport report_;
  std::map<JobId, Sums> sums_;
};

void Check::find(std::string finding) {
  const auto& known = report_.findings;
  if (std::find(known.begin(), known.end(), finding) == known.end()) report_.findings.push_back(std::move(finding));
}

std::string rows_of(JobId job, const char* what, std::uint64_t from) {
  return std::string(what) + " of job " + std::to_string(value(job)) + " from " + std::to_string(from) + " on";
}

// SQLite's own pages, and that every index agrees with its table.
void Check::check_pages() {
  Statement all(database_, kMostFindings);
  while (all.step()) {
    if (all.bytes(0) != "ok") find(std::string(all.bytes(0)));
  }
}

// Rows and counts are looked at as they are after the next start, which writes what is in the journal into its tables. Whoever began the
// transaction rolls it back.
void Check::show_journaled() {
  if (database_.number("SELECT count(*) FROM journal") == 0) return;
  database_.run("SAVEPOINT shown");
  try {
    Recovered recovered = recover(database_);
    Writer(database_, std::move(recovered.books), recovered.found.last_job, std::move(recovered.garbage)).show_journaled();
  } catch (const StoreError& error) {
    database_.run("ROLLBACK TO shown");
    find(error.what());
  }
}

void Check::check_rows() {
  const std::uint64_t size = database_.number("PRAGMA page_count") * database_.number("PRAGMA page_size");
  const std::uint64_t free = database_.number("PRAGMA freelist_count") * database_.number("PRAGMA page_size");
  say(escaped(database_.file().native()) + ": version " + std::to_string(kSchemaVersion) + ", store " +
      hex(get_meta(database_, "store"), 16) + ", epoch " + count(get_meta(database_, "epoch"), "(one more with each start), ") +
      count(size, "bytes, of which ") + count(free, "free"));
  check_chunks();
  check_results();
  check_payloads();
  try {
    const Recovered recovered = recover(database_);
    for (const FoundJob& job : recovered.found.jobs) check(job);
    say(count(recovered.found.jobs.size(), "jobs, ") + count(recovered.found.answers.size(), "stored answers, ") +
        count(recovered.garbage.size(), "jobs with rows to be removed"));
  } catch (const StoreError& error) {
    find(error.what());
  }
}

void Check::check_chunks() {
  Statement all(
      database_,
      "SELECT job, first, count, bytes, head, blob FROM chunks LEFT JOIN payloads ON id = payload ORDER BY job, first");
  while (all.step()) {
    const JobId job{all.number(0)};
    const Index first = all.number(1);
    const auto tasks = unpack_tasks(all.bytes(4), Blob::copy_of(all.bytes(5)), job, first);
    if (!tasks || tasks->count() != all.number(2) || tasks->blob.size() != all.number(3)) {
      find(rows_of(job, "tasks", first) + " cannot be read");
      continue;
    }
    Sums& sums = sums_[job];
    sums.task_bytes += tasks->blob.size();
    if (first != sums.tasks_end) continue;
    for (BatchCursor task(*tasks); !task.done(); task.next()) sums.digest.add(task.view());
    sums.tasks_end += tasks->count();
  }
}

void Check::check_results() {
  Statement all(
      database_,
      "SELECT job, position, count, bytes, lowest, highest, head, blob FROM results LEFT JOIN payloads ON id = payload "
      "ORDER BY job, position");
  while (all.step()) {
    const JobId job{all.number(0)};
    const std::uint64_t position = all.number(1);
    const auto pieces = unpack_results(all.bytes(6), Blob::copy_of(all.bytes(7)), job, position);
    if (!pieces) {
      find(rows_of(job, "results", position) + " cannot be read");
      continue;
    }
    Sums& sums = sums_[job];
    std::uint64_t tasks = 0;
    std::uint64_t bytes = 0;
    bool within = true;
    for (const JobResults& piece : *pieces) {
      tasks += piece.outcomes.count();
      bytes += piece.outcomes.blob.size();
      sums.outcomes_digest += outcomes_digest(piece.outcomes);
      for (std::uint32_t i = 0; i < piece.outcomes.count(); ++i) {
        const Index task = piece.outcomes.indices.at(i);
        within &= task >= all.number(4) && task <= all.number(5);
      }
    }
    if (!within || tasks != all.number(2) || bytes != all.number(3)) {
      find(rows_of(job, "results", position) + " are other than their row says");
    }
    sums.results += tasks;
    sums.result_bytes += bytes;
  }
}

void Check::check_payloads() {
  const std::uint64_t stray = database_.number(
      "SELECT count(*) FROM payloads WHERE id NOT IN (SELECT payload FROM chunks UNION ALL SELECT payload FROM "
      "results)");
  if (stray > 0) find(count(stray, "payloads belong to no row"));
}

void Check::check(const FoundJob& job) {
  const std::string name = "job " + std::to_string(value(job.job.job));
  const Sums& sums = sums_[job.job.job];
  std::uint64_t ended = job.dropped_below;
  for (const Run& run : job.ended) ended += run.count;
  if (!job.job.cancelled && ended != job.done + job.failed) {
    find(name + " counts " + count(job.done + job.failed, "ended tasks, its rows ") + std::to_string(ended));
  }
  if (sums.tasks_end == job.received && job.received > 0 && sums.digest != job.digest) {
    find(name + " has tasks with the digest " + hex(sums.digest.value(), 8) + ", accepted were tasks with " +
         hex(job.digest.value(), 8));
  }
  const bool has_all = job.job.options.results == ResultsPolicy::keep && sums.results == job.results_end;
  if (job.job.options.results == ResultsPolicy::keep && sums.results != job.results_end) {
    find(name + " has " + count(sums.results, "results, and it should be ") + std::to_string(job.results_end));
  }
  if (has_all && sums.results == job.done + job.failed && sums.outcomes_digest != job.outcomes_digest) {
    find(name + " has results with the digest " + hex(sums.outcomes_digest, 16) + ", counted were results with " +
         hex(job.outcomes_digest, 16));
  }
  const char* state = job.job.ended       ? "ended"
                      : job.job.cancelled ? "cancelled"
                      : job.job.paused    ? "paused"
                      : job.job.closed    ? "closed"
                                          : "open";
  say(name + " (" + escaped(job.job.options.kind) + "): " + state + ", " + count(job.received, "tasks, ") +
      count(job.done, "done, ") + count(job.failed, "failed, input ") + hex(job.digest.value(), 8) + ", outcomes " +
      hex(job.outcomes_digest, 16) + ", " + count(sums.task_bytes, "bytes of tasks and ") +
      count(sums.result_bytes, "of results kept, ") + count(job.dead_letters.size(), "dead letters"));
}

}  // namespace

CheckReport check_store(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / kStoreFile;
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    throw StoreError(escaped(file.native()) + " is not there. Name the directory that a broker keeps its state in");
  }
  const DirectoryLock lock(directory);
  Database database(file, Access::existing);
  // The log is read where it lies and left there.
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  database.run("PRAGMA locking_mode = EXCLUSIVE");
  require_store(database);
  database.run("PRAGMA cache_spill = 0");
  database.run("BEGIN");
  CheckReport report = Check(database).run();
  database.roll_back();
  return report;
}

}  // namespace stint::broker
