#include "driver.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "broker/store/database.hpp"

namespace stint::broker {
namespace {

constexpr int kPatienceMs = 60'000;

}  // namespace

TempDirectory::TempDirectory() {
  // In memory where that is possible: what these tests are about are calls, and not how long a disk takes.
  const std::filesystem::path memory = "/dev/shm";
  const bool has_memory = ::access(memory.c_str(), W_OK) == 0;
  std::string name = (has_memory ? memory : std::filesystem::temp_directory_path()) / "stint-store.XXXXXX";
  REQUIRE(mkdtemp(name.data()) != nullptr);
  root_ = name;
}

TempDirectory::~TempDirectory() {
  std::error_code error;
  std::filesystem::remove_all(root_, error);
}

Driver::Driver(SqliteOptions options) {
  if (options.fresh == StoreId{}) options.fresh = kFresh;
  store_ = std::make_unique<SqliteStore>(options);
  opened_ = store_->take_opened();
}

void Driver::append(Change change) {
  last_ = CommitId{static_cast<std::uint64_t>(last_) + 1};
  store_->append(last_, std::move(change));
}

void Driver::commit(std::vector<Change> changes) {
  for (Change& change : changes) append(std::move(change));
  wait_committed();
}

void Driver::wait_committed() {
  while (committed_ != last_) wait();
}

std::string Driver::wait_full(bool full) {
  while (full_.empty() == full) wait();
  return full_;
}

FetchedTasks Driver::fetch(WantedTasks wanted) {
  store_->fetch(wanted);
  return std::get<FetchedTasks>(fetched());
}

FetchedResults Driver::fetch(WantedResults wanted) {
  store_->fetch(wanted);
  return std::get<FetchedResults>(fetched());
}

Fetched Driver::fetched() {
  while (fetched_.empty()) wait();
  Fetched first = std::move(fetched_.front());
  fetched_.erase(fetched_.begin());
  return first;
}

void Driver::wait() {
  if (take_news()) return;  // this hands over what was appended
  pollfd descriptor{store_->fd(), POLLIN, 0};
  REQUIRE(poll(&descriptor, 1, kPatienceMs) == 1);
  take_news();
}

bool Driver::take_news() {
  StoreNews news = store_->news();
  if (news.committed) {
    REQUIRE(*news.committed > committed_);
    committed_ = *news.committed;
  }
  for (Fetched& one : news.fetched) fetched_.push_back(std::move(one));
  if (news.full) full_ = *news.full;
  return news.committed || news.full || !news.fetched.empty();
}

Batch batch_of(const std::vector<std::string>& payloads) {
  BatchBuilder builder;
  for (const std::string& payload : payloads) builder.add(payload);
  return builder.take();
}

PutJob job_of(std::uint64_t id) {
  PutJob job;
  job.job = JobId{id};
  job.writer = Incarnation{0xfedcba9876543210U};
  job.options.kind = "echo";
  job.options.key = "key " + std::to_string(id);
  return job;
}

void execute(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  const int result = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
  CHECK_MESSAGE(result == SQLITE_OK, sqlite3_errmsg(database));
  sqlite3_close(database);
}

std::uint64_t number_in(const std::filesystem::path& file, const std::string& sql) {
  Database database(file, Access::existing);
  return database.number(sql.c_str());
}

bool names(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

std::string refusal(const SqliteOptions& options) {
  try {
    const Driver store(options);
  } catch (const StoreError& error) {
    return error.what();
  }
  return {};
}

}  // namespace stint::broker
