// The tables of a store, and what a file must be for this version to work with it.
//
//   Database database(directory / kStoreFile, Access::create);
//   prepare(database);                     // a new store, or one of this version or an older one: its tables are there
//   now put_meta(database, "epoch", 7);
//
// What is no store, is damaged, or was written by a newer version is refused by a StoreError that names file and
// remedy.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/store/database.hpp"

namespace stint::broker {

constexpr const char* kStoreFile = "stint.db";
constexpr std::uint32_t kApplicationId = 0x53746e74;  // "Stnt": says to file(1) and to us whose SQLite database it is
constexpr std::uint32_t kSchemaVersion = 3;

// Settings of the connection, then the tables. Requires: nobody else has the directory.
void prepare(Database& database);

// Only looks whether it is a store of this version.
void require_store(Database& database);

std::uint64_t get_meta(Database& database, std::string_view name);  // 0 where it is not there
void put_meta(Database& database, std::string_view name, std::uint64_t number);

}  // namespace stint::broker
