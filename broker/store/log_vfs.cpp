#include "broker/store/log_vfs.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>

#include "broker/store/store.hpp"

namespace stint::broker {
namespace {

sqlite3_vfs& base_of(sqlite3_vfs* vfs) { return *static_cast<sqlite3_vfs*>(vfs->pAppData); }

// --- the log: a file whose writes wait ------------------------------------------------------------------------------

// SQLite allocates it, and behind it the file of the file system below.
struct LogFile {
  sqlite3_file seen;     // by SQLite; must be the first
  std::string* waiting;  // to be written at `offset`
  sqlite3_int64 offset;

  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  sqlite3_int64 end() const { return offset + static_cast<sqlite3_int64>(waiting->size()); }
};
static_assert(sizeof(LogFile) % alignof(sqlite3_int64) == 0);

LogFile& log_of(sqlite3_file* file) { return *reinterpret_cast<LogFile*>(file); }

// After an error it still waits: not every call that lets it go is one whose error SQLite heeds, and when there is room it is tried again.
int let_go(LogFile& log) {
  if (log.waiting->empty()) return SQLITE_OK;
  sqlite3_file* below = log.below();
  const int result = below->pMethods->xWrite(below, log.waiting->data(), static_cast<int>(log.waiting->size()), log.offset);
  if (result == SQLITE_OK) log.waiting->clear();
  return result;
}

// Lets go what waits, and then does the same to the file below.
template <class Call>
int behind_waiting(sqlite3_file* file, Call call) {
  LogFile& log = log_of(file);
  const int result = let_go(log);
  return result == SQLITE_OK ? call(log.below()) : result;
}

int write_log(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  LogFile& log = log_of(file);
  const std::string_view more(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
  if (offset != log.end() || log.waiting->size() + more.size() > LogVfs::kMostBytes) {
    if (const int result = let_go(log); result != SQLITE_OK) return result;
    log.offset = offset;
  }
  if (more.size() > LogVfs::kMostBytes) return log.below()->pMethods->xWrite(log.below(), bytes, size, offset);
  log.waiting->append(more);  // within what was reserved
  return SQLITE_OK;
}

int read_log(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
  LogFile& log = log_of(file);
  const bool is_wanted = offset < log.end() && log.offset < offset + size;
  if (const int result = is_wanted ? let_go(log) : SQLITE_OK; result != SQLITE_OK) return result;
  return log.below()->pMethods->xRead(log.below(), bytes, size, offset);
}

int close_log(sqlite3_file* file) {
  LogFile& log = log_of(file);
  const int left = let_go(log);
  const int closed = log.below()->pMethods->xClose(log.below());
  delete log.waiting;
  return left == SQLITE_OK ? closed : left;
}

int cut_log(sqlite3_file* file, sqlite3_int64 size) {
  return behind_waiting(file, [size](sqlite3_file* below) { return below->pMethods->xTruncate(below, size); });
}

int sync_log(sqlite3_file* file, int flags) {
  return behind_waiting(file, [flags](sqlite3_file* below) { return below->pMethods->xSync(below, flags); });
}

int measure_log(sqlite3_file* file, sqlite3_int64* size) {
  LogFile& log = log_of(file);
  const int result = log.below()->pMethods->xFileSize(log.below(), size);
  if (result == SQLITE_OK && !log.waiting->empty()) *size = std::max(*size, log.end());
  return result;
}

// What has nothing to do with what waits.
template <auto Method, class... Parameter>
int pass_on(sqlite3_file* file, Parameter... parameters) {
  sqlite3_file* below = log_of(file).below();
  return (below->pMethods->*Method)(below, parameters...);
}

constexpr sqlite3_io_methods kLogMethods = {
    .iVersion = 1,
    .xClose = close_log,
    .xRead = read_log,
    .xWrite = write_log,
    .xTruncate = cut_log,
    .xSync = sync_log,
    .xFileSize = measure_log,
    .xLock = pass_on<&sqlite3_io_methods::xLock, int>,
    .xUnlock = pass_on<&sqlite3_io_methods::xUnlock, int>,
    .xCheckReservedLock = pass_on<&sqlite3_io_methods::xCheckReservedLock, int*>,
    .xFileControl = pass_on<&sqlite3_io_methods::xFileControl, int, void*>,
    .xSectorSize = pass_on<&sqlite3_io_methods::xSectorSize>,
    .xDeviceCharacteristics = pass_on<&sqlite3_io_methods::xDeviceCharacteristics>,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

std::unique_ptr<std::string> make_room() noexcept {
  try {
    auto room = std::make_unique<std::string>();
    room->reserve(LogVfs::kMostBytes);
    return room;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

// --- the file system ------------------------------------------------------------------------------------------------

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  sqlite3_vfs& base = base_of(vfs);
  if ((flags & SQLITE_OPEN_WAL) == 0) return base.xOpen(&base, path, file, flags, out_flags);
  LogFile& log = log_of(file);
  log.seen.pMethods = nullptr;
  log.below()->pMethods = nullptr;
  auto room = make_room();
  if (room == nullptr) return SQLITE_NOMEM;
  if (const int result = base.xOpen(&base, path, log.below(), flags, out_flags); result != SQLITE_OK) return result;
  log.waiting = room.release();
  log.offset = 0;
  log.seen.pMethods = &kLogMethods;
  return SQLITE_OK;
}

template <auto Method, class Result, class... Parameter>
Result ask_base(sqlite3_vfs* vfs, Parameter... parameters) {
  sqlite3_vfs& base = base_of(vfs);
  return (base.*Method)(&base, parameters...);
}

using Symbol = void (*)();

Symbol find_symbol(sqlite3_vfs* vfs, void* library, const char* name) { return base_of(vfs).xDlSym(&base_of(vfs), library, name); }

}  // namespace

LogVfs::LogVfs(const char* base) {
  sqlite3_vfs* found = sqlite3_vfs_find(base);
  if (found == nullptr) throw StoreError(std::string("SQLite knows no file system ") + (base == nullptr ? "at all" : base));
  name_ = "stint-log-" + std::to_string(reinterpret_cast<std::uintptr_t>(this));
  vfs_.iVersion = 2;
  vfs_.szOsFile = static_cast<int>(sizeof(LogFile)) + found->szOsFile;
  vfs_.mxPathname = found->mxPathname;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = found;
  vfs_.xOpen = open_file;
  vfs_.xDelete = ask_base<&sqlite3_vfs::xDelete, int, const char*, int>;
  vfs_.xAccess = ask_base<&sqlite3_vfs::xAccess, int, const char*, int, int*>;
  vfs_.xFullPathname = ask_base<&sqlite3_vfs::xFullPathname, int, const char*, int, char*>;
  vfs_.xDlOpen = ask_base<&sqlite3_vfs::xDlOpen, void*, const char*>;
  vfs_.xDlError = ask_base<&sqlite3_vfs::xDlError, void, int, char*>;
  vfs_.xDlSym = find_symbol;
  vfs_.xDlClose = ask_base<&sqlite3_vfs::xDlClose, void, void*>;
  vfs_.xRandomness = ask_base<&sqlite3_vfs::xRandomness, int, int, char*>;
  vfs_.xSleep = ask_base<&sqlite3_vfs::xSleep, int, int>;
  vfs_.xCurrentTime = ask_base<&sqlite3_vfs::xCurrentTime, int, double*>;
  vfs_.xGetLastError = ask_base<&sqlite3_vfs::xGetLastError, int, int, char*>;
  vfs_.xCurrentTimeInt64 = ask_base<&sqlite3_vfs::xCurrentTimeInt64, int, sqlite3_int64*>;
  if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) throw StoreError("SQLite takes no file system");
}

LogVfs::~LogVfs() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace stint::broker
