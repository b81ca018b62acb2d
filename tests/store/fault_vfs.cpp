#include "fault_vfs.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <random>
#include <set>
#include <utility>

namespace stint::broker {
namespace {

constexpr std::size_t kSector = 512;

FaultDisk* disk = nullptr;  // SQLite's functions have no other way to it
sqlite3_vfs* usual = nullptr;
sqlite3_vfs ours;
sqlite3_io_methods methods;

struct File {
  sqlite3_file base;
  sqlite3_file* real;
  std::string* name;
};

File& file_of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }

int real_write(File& file, const void* bytes, int size, sqlite3_int64 offset) {
  return file.real->pMethods->xWrite(file.real, bytes, size, offset);
}

int on_write(sqlite3_file* at, const void* bytes, int size, sqlite3_int64 offset) {
  File& file = file_of(at);
  const auto* data = static_cast<const char*>(bytes);
  switch (
      disk->note({Call::What::write, *file.name, static_cast<std::uint64_t>(offset), std::string(data, data + size)})) {
    case Fault::io_error:
      return SQLITE_IOERR_WRITE;
    case Fault::no_space:
      return SQLITE_FULL;
    case Fault::short_write:
      real_write(file, bytes, size / 2, offset);
      return SQLITE_FULL;
    case Fault::none:
      break;
  }
  return real_write(file, bytes, size, offset);
}

int on_truncate(sqlite3_file* at, sqlite3_int64 size) {
  File& file = file_of(at);
  if (disk->note({Call::What::truncate, *file.name, static_cast<std::uint64_t>(size), {}}) != Fault::none) {
    return SQLITE_IOERR_TRUNCATE;
  }
  return file.real->pMethods->xTruncate(file.real, size);
}

int on_sync(sqlite3_file* at, int flags) {
  File& file = file_of(at);
  if (disk->note({Call::What::sync, *file.name, 0, {}}) != Fault::none) return SQLITE_IOERR_FSYNC;
  return file.real->pMethods->xSync(file.real, flags);
}

int on_close(sqlite3_file* at) {
  File& file = file_of(at);
  const int result = file.real->pMethods->xClose(file.real);
  sqlite3_free(file.real);
  delete file.name;
  return result;
}

int on_read(sqlite3_file* at, void* bytes, int size, sqlite3_int64 offset) {
  return file_of(at).real->pMethods->xRead(file_of(at).real, bytes, size, offset);
}
int on_size(sqlite3_file* at, sqlite3_int64* size) {
  return file_of(at).real->pMethods->xFileSize(file_of(at).real, size);
}
int on_lock(sqlite3_file* at, int level) { return file_of(at).real->pMethods->xLock(file_of(at).real, level); }
int on_unlock(sqlite3_file* at, int level) { return file_of(at).real->pMethods->xUnlock(file_of(at).real, level); }
int on_check_lock(sqlite3_file* at, int* held) {
  return file_of(at).real->pMethods->xCheckReservedLock(file_of(at).real, held);
}
int on_control(sqlite3_file* at, int what, void* argument) {
  if (what == SQLITE_FCNTL_LAST_ERRNO && disk->cause() != 0) {
    *static_cast<int*>(argument) = disk->cause();
    return SQLITE_OK;
  }
  return file_of(at).real->pMethods->xFileControl(file_of(at).real, what, argument);
}
int on_sector_size(sqlite3_file*) { return kSector; }
int on_characteristics(sqlite3_file*) { return 0; }  // promises nothing: writes may be torn and reordered

std::string base_name(const char* path) { return std::filesystem::path(path).filename(); }

int on_open(sqlite3_vfs*, const char* path, sqlite3_file* at, int flags, int* out_flags) {
  File& file = file_of(at);
  file.base.pMethods = nullptr;
  if (path == nullptr) return SQLITE_CANTOPEN;
  const bool creates = (flags & SQLITE_OPEN_CREATE) != 0;
  if (creates && disk->note({Call::What::open, base_name(path), 0, {}}) != Fault::none) return SQLITE_CANTOPEN;
  file.real = static_cast<sqlite3_file*>(sqlite3_malloc(usual->szOsFile));
  file.real->pMethods = nullptr;
  const int result = usual->xOpen(usual, path, file.real, flags, out_flags);
  if (result != SQLITE_OK) {
    sqlite3_free(file.real);
    return result;
  }
  file.name = new std::string(base_name(path));
  file.base.pMethods = &methods;
  return SQLITE_OK;
}

int on_delete(sqlite3_vfs*, const char* path, int sync) {
  if (disk->note({Call::What::remove, base_name(path), 0, {}}) != Fault::none) return SQLITE_IOERR_DELETE;
  if (sync != 0) disk->directory_synced();
  return usual->xDelete(usual, path, sync);
}

int on_last_error(sqlite3_vfs*, int size, char* text) {
  return disk->cause() != 0 ? disk->cause() : usual->xGetLastError(usual, size, text);
}

void fill_methods() {
  methods = {};
  methods.iVersion = 1;
  methods.xClose = on_close;
  methods.xRead = on_read;
  methods.xWrite = on_write;
  methods.xTruncate = on_truncate;
  methods.xSync = on_sync;
  methods.xFileSize = on_size;
  methods.xLock = on_lock;
  methods.xUnlock = on_unlock;
  methods.xCheckReservedLock = on_check_lock;
  methods.xFileControl = on_control;
  methods.xSectorSize = on_sector_size;
  methods.xDeviceCharacteristics = on_characteristics;
}

void apply_write(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  content.replace(offset, bytes.size(), bytes);
}

// Of a write that nobody waited for, what is there by chance, sector by sector.
void apply_some(std::string& content, const Call& call, std::mt19937_64& chance) {
  for (std::size_t at = 0; at < call.bytes.size(); at += kSector) {
    if (chance() % 2 == 0) apply_write(content, call.offset + at, std::string_view(call.bytes).substr(at, kSector));
  }
}

}  // namespace

FaultDisk::FaultDisk() {
  REQUIRE(disk == nullptr);
  usual = sqlite3_vfs_find("unix");
  fill_methods();
  ours = *usual;
  ours.zName = name();
  ours.szOsFile = sizeof(File);
  ours.pNext = nullptr;
  ours.xOpen = on_open;
  ours.xDelete = on_delete;
  ours.xGetLastError = on_last_error;
  disk = this;
  REQUIRE(sqlite3_vfs_register(&ours, 0) == SQLITE_OK);
}

FaultDisk::~FaultDisk() {
  sqlite3_vfs_unregister(&ours);
  disk = nullptr;
}

std::size_t FaultDisk::syncs() const {
  return static_cast<std::size_t>(
      std::count_if(calls_.begin(), calls_.end(), [](const Call& call) { return call.what == Call::What::sync; }));
}

void FaultDisk::fail(std::size_t call, Fault fault) {
  until_fault_ = call;
  fault_ = fault;
  has_failed_ = false;
  cause_ = 0;
}

Fault FaultDisk::note(Call call) {
  if (until_fault_ > 0 && --until_fault_ == 0) {
    has_failed_ = true;
    failed_ = call.what;
    cause_ = fault_ == Fault::io_error ? EIO : ENOSPC;
    return fault_;
  }
  cause_ = 0;
  calls_.push_back(std::move(call));
  return Fault::none;
}

void FaultDisk::write_as_after_cut(std::size_t count, Cut cut, std::uint64_t seed,
                                   const std::filesystem::path& directory) const {
  std::map<std::string, std::size_t> synced;  // up to which call a file is durable
  for (std::size_t i = 0; i < count; ++i) {
    if (calls_[i].what == Call::What::sync) synced[calls_[i].file] = i;
  }
  std::size_t last_write = count;
  for (std::size_t i = 0; i < count; ++i) {
    if (calls_[i].what == Call::What::write && i >= synced[calls_[i].file]) last_write = i;
  }
  std::size_t directory_synced = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (calls_[i].what == Call::What::directory) directory_synced = i;
  }
  std::mt19937_64 chance(seed);
  std::map<std::string, std::string> files;
  for (std::size_t i = 0; i < count; ++i) {
    const Call& call = calls_[i];
    const bool durable = synced.contains(call.file) && i < synced[call.file];
    const bool whole = durable || cut == Cut::kept || (cut == Cut::torn && i != last_write);
    if (call.what == Call::What::directory || call.what == Call::What::sync) continue;
    std::string& content = files[call.file];
    if (call.what == Call::What::write && whole) apply_write(content, call.offset, call.bytes);
    if (call.what == Call::What::write && !whole && cut == Cut::some) apply_some(content, call, chance);
    if (call.what == Call::What::write && !whole && cut == Cut::torn) {
      apply_write(content, call.offset, std::string_view(call.bytes).substr(0, call.bytes.size() / 3));
    }
    const bool happens = whole || (cut == Cut::some && chance() % 2 == 0);
    if (call.what == Call::What::truncate && happens) content.resize(call.offset);
    if (call.what == Call::What::remove && (happens || i < directory_synced)) files.erase(call.file);
  }
  std::filesystem::create_directories(directory);
  for (const auto& [name, content] : files) {
    std::ofstream(directory / name, std::ios::binary) << content;
  }
}

}  // namespace stint::broker
