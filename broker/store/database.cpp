#include "broker/store/database.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/store/store.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

int flags_of(Access access) {
  return SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
         (access == Access::create ? SQLITE_OPEN_CREATE : 0);
}

int note_wal(void* counter, sqlite3*, const char*, int pages) {
  *static_cast<std::uint64_t*>(counter) = static_cast<std::uint64_t>(pages);
  return SQLITE_OK;
}

}  // namespace

Database::Database(std::filesystem::path file, Access access, const char* vfs) : file_(std::move(file)), vfs_(vfs) {
  const int result = sqlite3_open_v2(file_.c_str(), &handle_, flags_of(access), vfs_.name());
  if (result == SQLITE_OK) {
    // SQLite's own checkpoints keep their errors to themselves; ours do not, and come when nobody waits for a commit.
    sqlite3_wal_hook(handle_, note_wal, &wal_pages_);
    return;
  }
  try {
    fail(result);
  } catch (...) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

Database::~Database() { sqlite3_close_v2(handle_); }

void Database::run(const char* sql) { check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr)); }

std::uint64_t Database::number(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.number(0) : 0;
}

std::string Database::text(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? std::string(statement.bytes(0)) : std::string();
}

void Database::roll_back() noexcept {
  if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Database::checkpoint() {
  check(sqlite3_wal_checkpoint_v2(handle_, "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr));
  wal_pages_ = 0;
}

void Database::check(int result) {
  if (result != SQLITE_OK && result != SQLITE_ROW && result != SQLITE_DONE) fail(result);
}

void Database::damaged(const std::string& what) const {
  throw StoreError(
      escaped(file_.native()) + " is damaged: " + what +
      ". Look at it with stint-broker --check, and put back a copy of the whole directory that is not damaged");
}

// SQLite does not hand on why a COMMIT failed; its files remember.
int Database::cause_of() {
  int cause = sqlite3_system_errno(handle_);
  if (cause == 0) sqlite3_file_control(handle_, "main", SQLITE_FCNTL_LAST_ERRNO, &cause);
  sqlite3_file* log = nullptr;
  if (cause == 0 && sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
      log != nullptr && log->pMethods != nullptr) {
    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &cause);
  }
  return cause;
}

void Database::fail(int result) {
  const int primary = result & 0xff;
  const int cause = cause_of();
  const std::string name = escaped(file_.native());
  std::string text = sqlite3_errmsg(handle_);
  if (primary == SQLITE_FULL || (result == SQLITE_IOERR_WRITE && cause == EDQUOT)) throw NoRoom(name + ": " + text);
  if (primary == SQLITE_NOTADB) {
    throw StoreError(name + " is not a store of Stint (" + text +
                     "). Name another directory, or move that file out of the way");
  }
  if (primary == SQLITE_CORRUPT) damaged(text);
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
    throw StoreError(name + " is in use by another program (" + text + "). End that program, and start again");
  }
  if (cause != 0) text += std::string(": ") + std::strerror(cause);
  throw StoreError(
      name + ": " + text + " (SQLite error " + std::to_string(result) +
      "). See to the disk, its permissions and its free space, and start again: what was acknowledged is there");
}

// --- statements -----------------------------------------------------------------------------------------------------

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  database.check(sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &statement_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

bool Statement::step() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) {
    sqlite3_reset(statement_);
    database_.check(result);
  }
  sqlite3_reset(statement_);
  return false;
}

void Statement::reset() { sqlite3_reset(statement_); }

std::uint64_t Statement::number(int column) {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

std::string_view Statement::bytes(int column) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return {data, static_cast<std::size_t>(data == nullptr ? 0 : size)};
}

bool Statement::is_null(int column) { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

void Statement::bind(int position, std::nullptr_t) { database_.check(sqlite3_bind_null(statement_, position)); }

void Statement::bind_number(int position, std::int64_t number) {
  database_.check(sqlite3_bind_int64(statement_, position, number));
}

void Statement::bind_bytes(int position, std::string_view bytes, bool is_text) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();  // a null pointer would bind NULL
  database_.check(is_text ? sqlite3_bind_text64(statement_, position, data, bytes.size(), SQLITE_STATIC, SQLITE_UTF8)
                          : sqlite3_bind_blob64(statement_, position, data, bytes.size(), SQLITE_STATIC));
}

}  // namespace stint::broker
