#include "broker/store/engine.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "broker/store/schema.hpp"
#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

std::uint64_t size_of(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
}

// A log without its main file is what is left of a store; SQLite would begin a new one beside it.
std::filesystem::path whole_file(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / kStoreFile;
  const std::filesystem::path log = file.native() + "-wal";
  if (size_of(file) == 0 && size_of(log) > 0) {
    throw StoreError(escaped(file.native()) + " is gone, but its log " + escaped(log.filename().native()) +
                     " is still there. Put that file back, or remove the log to begin a new store");
  }
  make_file(file);
  return file;
}

const std::filesystem::path& made(const std::filesystem::path& directory) {
  make_directory(directory);
  return directory;
}

// Who the store is, and that it has been started once more: durable before anything else happens.
Opened begin(Database& database, const SqliteOptions& options) {
  prepare(database);
  database.run("BEGIN IMMEDIATE");
  Opened opened{StoreId{get_meta(database, "store")}, get_meta(database, "epoch") + 1, {}};
  if (opened.store == StoreId{}) {
    opened.store = options.fresh;
    put_meta(database, "store", value(opened.store));
    put_meta(database, "last_job", 0);
  }
  put_meta(database, "epoch", opened.epoch);
  database.run("COMMIT");
  sync_directory(options.directory);
  return opened;
}

[[noreturn]] void end_for_want_of_room(const std::filesystem::path& directory, const NoRoom& error) {
  throw StoreError(
      std::string(error.what()) + ". The disk of " + escaped(directory.native()) +
      " is full, and no reserve is left. Free space there, and start again: what was acknowledged is there");
}

// On a full disk with the room of the reserve, as it is while serving.
Opened start(Database& database, const SqliteOptions& options) {
  try {
    try {
      return begin(database, options);
    } catch (const NoRoom&) {
      database.roll_back();
      if (!Space(options.directory, options.reserve_bytes).release_reserve()) throw;
      return begin(database, options);
    }
  } catch (const NoRoom& error) {
    end_for_want_of_room(options.directory, error);
  }
}

}  // namespace

Engine::Engine(const SqliteOptions& options)
    : lock_(made(options.directory)),
      database_(whole_file(options.directory), Access::create, options.vfs),
      opened_(start(database_, options)),
      recovered_(recover(database_)),
      space_(options.directory, options.reserve_bytes),
      log_bytes_(options.log_bytes),
      page_bytes_(database_.number("PRAGMA page_size")),
      writer_(database_, std::move(recovered_.books), recovered_.found.last_job, std::move(recovered_.garbage)),
      reader_(database_) {
  if (writer_.has_journaled()) {
    write([this] { writer_.empty_journal(); });
    recovered_.found = recover(database_).found;
  }
  opened_.found = std::move(recovered_.found);
}

// What does not fit is rolled back as a whole, and repeated once the reserve is free.
template <class Work>
void Engine::write(Work work) {
  try {
    try {
      work();
    } catch (const NoRoom&) {
      if (!space_.release_reserve()) throw;
      work();
    }
  } catch (const NoRoom& error) {
    end_for_want_of_room(database_.file().parent_path(), error);
  }
}

void Engine::commit(const std::vector<Change>& changes) {
  write([&] { writer_.commit(changes); });
}

void Engine::look_for_room() {
  space_.look(space_.is_short() ? database_.number("PRAGMA freelist_count") * page_bytes_ : 0);
}

Fetched Engine::fetch(const Wanted& wanted) {
  return std::visit(
      [this](const auto& one) -> Fetched {
        if (writer_.has_journaled(one.job)) write([this] { writer_.empty_journal(); });
        return reader_.fetch(one);
      },
      wanted);
}

void Engine::finish() {
  if (!writer_.has_journaled()) return;
  try {
    writer_.empty_journal();
  } catch (const NoRoom&) {
    // It is durable where it is, until the next start. The reserve is for what runs.
  }
}

// It may take less room while there is none. While commits are small it is emptied early, as that takes little then: what is written over
// again, and does not make the file longer, is durable in half the time.
bool Engine::is_log_long() const {
  std::uint64_t most = space_.is_full() ? log_bytes_ / 4 : log_bytes_;
  if (writer_.is_quiet()) most = std::min(most, limits::kStoreQuietLogBytes);
  return database_.wal_pages() * page_bytes_ >= most;
}

bool Engine::has_chores() const {
  return is_log_long() || writer_.is_behind() || (space_.is_full() && (writer_.has_garbage() || writer_.has_journaled()));
}

void Engine::do_chore() {
  write([this] {
    if (is_log_long()) {
      database_.checkpoint();
    } else if (space_.is_full() && writer_.has_journaled()) {
      writer_.empty_journal();  // which may say what can be removed
    } else {
      writer_.sweep();
    }
  });
}

}  // namespace stint::broker
