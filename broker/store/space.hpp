// Room on the disk of a store, and a reserve of it for the day when there is none.
//
//   Space space(directory, reserve_bytes);
//   if (!space.release_reserve()) end();              // a write found the disk full: now it can be repeated
//   space.look(reusable_bytes);                       // after a commit, and now and then while full
//   if (auto news = space.take_news()) tell(*news);   // why no new tasks can be taken in; empty: there is room again
//
// The store is full before the disk is: when less is free than the reserve holds. So what runs can finish, and its
// results are kept. The reserve is a file that takes up real blocks, DIR/reserve. One thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace stint::broker {

class Space {
 public:
  // No bytes: nothing is reserved and nothing watched.
  Space(std::filesystem::path directory, std::uint64_t reserve_bytes);

  // `reusable` are free bytes inside the store's own file.
  void look(std::uint64_t reusable);

  // The reserve's blocks are free, and the store is full until the reserve is there again. False: there was none.
  bool release_reserve();

  bool is_full() const { return !reason_.empty(); }
  bool is_short() const;  // whether free pages of the store's own matter
  std::optional<std::string> take_news();

 private:
  std::uint64_t free_on_disk() const;
  bool make_reserve();
  void become_full(std::uint64_t free);

  std::filesystem::path directory_;
  std::filesystem::path file_;
  std::uint64_t bytes_;
  bool is_whole_ = false;
  std::string reason_;  // empty = there is room
  std::string told_;
};

}  // namespace stint::broker
