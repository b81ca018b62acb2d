// A SQLite database and its prepared statements, with errors as exceptions.
//
//   Database database(file, {});
//   Statement put(database, "INSERT INTO jobs(job, reason) VALUES(?, ?)");
//   put.run(7, std::string_view("paused by an operator"));
//   for (Statement all(database, "SELECT job FROM jobs"); all.step();) use(all.number(0));
//
// One thread at a time. Statements must go before their database. What a column's bytes() gives is valid until the next
// step.
#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "broker/store/log_vfs.hpp"

namespace stint::broker {

// There is no room for what was to be written. Nothing of the transaction has happened once it is rolled back.
class NoRoom : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Access : std::uint8_t { create, existing };

class Database {
 public:
  // `vfs` is SQLite's name of another file system, for tests; null = the usual one. Throws StoreError.
  Database(std::filesystem::path file, Access access, const char* vfs = nullptr);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  void run(const char* sql);
  std::uint64_t number(const char* sql);  // the first column of the first row; 0 if there is none
  std::string text(const char* sql);      // the same as text
  void roll_back() noexcept;              // no transaction is open any more, whatever had become of it

  std::uint64_t wal_pages() const { return wal_pages_; }  // in the log that are not in the main file yet
  void checkpoint();                                      // moves them there

  // Throws what the result of a call of SQLite's means, unless it is a success. NoRoom, or StoreError.
  void check(int result);
  [[noreturn]] void damaged(const std::string& what) const;  // throws StoreError

  sqlite3* handle() const { return handle_; }
  const std::filesystem::path& file() const { return file_; }

 private:
  [[noreturn]] void fail(int result);
  int cause_of();

  std::filesystem::path file_;
  LogVfs vfs_;
  sqlite3* handle_ = nullptr;
  std::uint64_t wal_pages_ = 0;
};

class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  // Executes it with these parameters.
  template <class... Parameter>
  void run(const Parameter&... parameters) {
    query(parameters...);
    while (step()) {
    }
  }

  // The same, and its rows are asked for with step(). Byte strings must live until the last step.
  template <class... Parameter>
  void query(const Parameter&... parameters) {
    reset();
    int position = 0;
    (bind(++position, parameters), ...);
  }

  bool step();  // a row is there; false: that was the last one, and the statement is ready for its next use
  void reset();

  std::uint64_t number(int column);
  std::string_view bytes(int column);
  bool is_null(int column);

 private:
  template <class Number>
  requires std::integral<Number> || std::is_enum_v<Number>
  void bind(int position, Number number) { bind_number(position, static_cast<std::int64_t>(number)); }
  void bind(int position, std::string_view bytes) { bind_bytes(position, bytes, false); }
  void bind(int position, const std::string& text) { bind_bytes(position, text, true); }
  void bind(int position, std::nullptr_t);
  void bind_number(int position, std::int64_t number);
  void bind_bytes(int position, std::string_view bytes, bool is_text);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace stint::broker
