#include "broker/store/space.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <limits>
#include <utility>

#include "common/model/escape.hpp"
#include "common/model/limits.hpp"

namespace stint::broker {
namespace {

std::string in_kib(std::uint64_t bytes) { return std::to_string(bytes / limits::kKiB) + " KiB"; }

}  // namespace

Space::Space(std::filesystem::path directory, std::uint64_t reserve_bytes)
    : directory_(std::move(directory)), file_(directory_ / "reserve"), bytes_(reserve_bytes) {
  if (bytes_ == 0) return;
  is_whole_ = make_reserve();
  look(0);
}

std::uint64_t Space::free_on_disk() const {
  struct statvfs disk {};
  if (::statvfs(directory_.c_str(), &disk) != 0) return std::numeric_limits<std::int64_t>::max();
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

bool Space::is_short() const { return bytes_ > 0 && (is_full() || free_on_disk() < bytes_); }

// Room comes back only with some more than what was missing, so that the store does not change its mind with every
// commit. Free pages of its own can stand in for a reserve that the disk has no room for any more: the file does not
// shrink.
void Space::look(std::uint64_t reusable) {
  if (bytes_ == 0) return;
  std::uint64_t free = free_on_disk();
  if (!is_whole_ && free >= 2 * bytes_) {
    is_whole_ = make_reserve();
    free = free_on_disk();
  }
  const bool has_reserve = is_whole_ || reusable >= 2 * bytes_;
  const std::uint64_t enough = is_full() ? bytes_ + bytes_ / 4 : bytes_;
  if (has_reserve && free + reusable >= enough) {
    reason_.clear();
  } else {
    become_full(free);
  }
}

bool Space::release_reserve() {
  if (!is_whole_) return false;
  is_whole_ = false;
  const std::uint64_t free = free_on_disk();
  const int descriptor = ::open(file_.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  // The sync lets a journaling file system hand the blocks out again at once.
  const bool released = ::ftruncate(descriptor, 0) == 0 && ::fsync(descriptor) == 0;
  ::close(descriptor);
  become_full(free);
  return released;
}

bool Space::make_reserve() {
  const int descriptor = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  const auto bytes = static_cast<off_t>(bytes_);
  const bool made = ::posix_fallocate(descriptor, 0, bytes) == 0 && ::ftruncate(descriptor, bytes) == 0;
  if (!made) static_cast<void>(::ftruncate(descriptor, 0));
  ::close(descriptor);
  return made;
}

void Space::become_full(std::uint64_t free) {
  if (is_full()) return;
  reason_ = "the disk of " + escaped(directory_.native()) + " has " + in_kib(free) + " free, and " + in_kib(bytes_) +
            " beside the reserve are needed: free space there, stint forget jobs that have ended, or give less to --reserve-bytes";
}

std::optional<std::string> Space::take_news() {
  if (told_ == reason_) return std::nullopt;
  told_ = reason_;
  return told_;
}

}  // namespace stint::broker
