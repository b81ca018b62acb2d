#include "broker/store/schema.hpp"

#include <array>
#include <string>

#include "broker/store/store.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

// What makes of a store of version n one of version n + 1, by n. Version 0 is an empty file. Never changed once
// released: a newer version gets a further step.
constexpr std::array<const char*, kSchemaVersion> kSteps = {
    R"(
CREATE TABLE meta(name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE jobs(
  job INTEGER PRIMARY KEY, parent INTEGER NOT NULL, writer INTEGER NOT NULL, options BLOB NOT NULL,
  priority INTEGER NOT NULL, started INTEGER NOT NULL, closed INTEGER NOT NULL, paused INTEGER NOT NULL,
  cancelled INTEGER NOT NULL, ended INTEGER NOT NULL, readers INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE TABLE counts(
  job INTEGER PRIMARY KEY, received INTEGER NOT NULL, received_bytes INTEGER NOT NULL, digest INTEGER NOT NULL,
  handed_upto INTEGER NOT NULL, dropped_below INTEGER NOT NULL, done INTEGER NOT NULL, failed INTEGER NOT NULL,
  outcomes_digest INTEGER NOT NULL, consumed INTEGER NOT NULL, results_end INTEGER NOT NULL);
CREATE TABLE payloads(id INTEGER PRIMARY KEY, head BLOB NOT NULL, blob BLOB NOT NULL);
CREATE TABLE chunks(
  job INTEGER, first INTEGER, count INTEGER NOT NULL, bytes INTEGER NOT NULL, payload INTEGER NOT NULL,
  PRIMARY KEY(job, first)) WITHOUT ROWID;
CREATE TABLE endings(
  job INTEGER, first INTEGER, last INTEGER NOT NULL, runs BLOB, PRIMARY KEY(job, first)) WITHOUT ROWID;
CREATE TABLE results(
  job INTEGER, position INTEGER, count INTEGER NOT NULL, bytes INTEGER NOT NULL, lowest INTEGER NOT NULL,
  highest INTEGER NOT NULL, payload INTEGER NOT NULL,
  PRIMARY KEY(job, position)) WITHOUT ROWID;
CREATE INDEX results_by_task ON results(job, lowest, highest);
CREATE TABLE failures(
  job INTEGER, task INTEGER, failures INTEGER NOT NULL, PRIMARY KEY(job, task)) WITHOUT ROWID;
CREATE TABLE dead_letters(job INTEGER, task INTEGER, payload BLOB NOT NULL, PRIMARY KEY(job, task)) WITHOUT ROWID;
CREATE TABLE answers(id INTEGER PRIMARY KEY, client INTEGER NOT NULL, done BLOB NOT NULL);
CREATE TABLE drains(
  answer INTEGER, place INTEGER, worker INTEGER NOT NULL, deadline_ms INTEGER NOT NULL,
  PRIMARY KEY(answer, place)) WITHOUT ROWID;
CREATE TABLE forgotten(job INTEGER PRIMARY KEY);
)",
    R"(
ALTER TABLE jobs ADD COLUMN failures_excused INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET failures_excused = (SELECT failed FROM counts WHERE counts.job = jobs.job) WHERE paused = 0;
)",
    R"(
CREATE TABLE journal(
  id INTEGER PRIMARY KEY, change TEXT NOT NULL, job INTEGER NOT NULL, at INTEGER NOT NULL, digest INTEGER,
  done INTEGER, failed INTEGER, ended BLOB, head BLOB, blob BLOB);
)"};

// SQLite takes no parameters in a PRAGMA.
void pragma(Database& database, const std::string& name, std::uint64_t number) {
  database.run(("PRAGMA " + name + " = " + std::to_string(number)).c_str());
}

[[noreturn]] void refuse(const Database& database, const std::string& why) {
  throw StoreError(escaped(database.file().native()) + " " + why);
}

bool is_empty(Database& database) { return database.number("SELECT count(*) FROM sqlite_schema") == 0; }

// The schema version of what must be a store of ours; 0 when it has yet to become one.
std::uint32_t version_of(Database& database) {
  const std::uint64_t application = database.number("PRAGMA application_id");
  const auto version = static_cast<std::uint32_t>(database.number("PRAGMA user_version"));
  if (application == 0 && version == 0 && is_empty(database)) return 0;
  if (application != kApplicationId) {
    refuse(database, "is a SQLite database, but not a store of Stint. Name another directory, or move that file away");
  }
  if (version > kSchemaVersion) {
    refuse(database, "has version " + std::to_string(version) +
                         " of the store, and this program knows versions up to " + std::to_string(kSchemaVersion) +
                         ". Start the newer Stint that wrote it, or name another directory");
  }
  if (version == 0) database.damaged("it has no version");
  return version;
}

// The page size must come before anything is in the file.
void configure(Database& database) {
  pragma(database, "page_size", limits::kStorePageBytes);
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = FULL");
  database.run("PRAGMA temp_store = MEMORY");
  database.run("PRAGMA secure_delete = OFF");  // as Debian has it, each removed payload would be written once more, as zeros
  pragma(database, "journal_size_limit", limits::kStoreLogBytes);
  database.run(("PRAGMA cache_size = -" + std::to_string(limits::kStoreCacheBytes / limits::kKiB)).c_str());
}

void migrate(Database& database, std::uint32_t version) {
  if (version == kSchemaVersion) return;
  database.run("BEGIN IMMEDIATE");
  for (; version < kSchemaVersion; ++version) database.run(kSteps[version]);
  pragma(database, "application_id", kApplicationId);
  pragma(database, "user_version", kSchemaVersion);
  database.run("COMMIT");
}

}  // namespace

// The locking mode must come before the log is touched: so the index of the log is in our memory, which takes no room on the disk, and a
// second connection is impossible.
void prepare(Database& database) {
  database.run("PRAGMA locking_mode = EXCLUSIVE");
  const std::uint32_t version = version_of(database);
  configure(database);
  migrate(database, version);
}

void require_store(Database& database) {
  const std::uint32_t version = version_of(database);
  if (version == 0) refuse(database, "is empty: no broker has kept anything there yet");
  if (version < kSchemaVersion) {
    refuse(database, "has version " + std::to_string(version) +
                         " of the store. Start a broker on it once, which brings it to version " +
                         std::to_string(kSchemaVersion));
  }
}

std::uint64_t get_meta(Database& database, std::string_view name) {
  Statement get(database, "SELECT number FROM meta WHERE name = ?");
  const std::string key(name);  // bound, not copied: it has to live until the row is read
  get.query(key);
  return get.step() ? get.number(0) : 0;
}

void put_meta(Database& database, std::string_view name, std::uint64_t number) {
  Statement put(database,
                "INSERT INTO meta(name, number) VALUES(?, ?) ON CONFLICT DO UPDATE SET number = excluded.number");
  put.run(std::string(name), number);
}

}  // namespace stint::broker
