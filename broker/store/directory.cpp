#include "broker/store/directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "broker/store/store.hpp"
#include "common/model/escape.hpp"

namespace stint::broker {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int cause, const char* remedy) {
  throw StoreError(escaped(path.native()) + ": " + what + ": " + std::strerror(cause) + ". " + remedy);
}

constexpr const char* kRemedy = "Name a directory that this user may write to, or see to its permissions and its disk";

std::string holder_in(int descriptor) {
  std::array<char, 512> text{};
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  const std::string_view said(text.data(), static_cast<std::size_t>(size < 0 ? 0 : size));
  const std::size_t blank = said.find(' ');
  const std::size_t end = said.find('\n');
  if (blank == std::string_view::npos || end == std::string_view::npos || end < blank) return "another process";
  return escaped("process " + std::string(said.substr(0, blank)) + " on " +
                 std::string(said.substr(blank + 1, end - blank - 1)));
}

std::string self() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return std::to_string(::getpid()) + " " + host.data() + "\n";
}

// False when the file has been removed, or replaced, since it was opened: the lock on it is worth nothing then.
bool is_still(int descriptor, const std::filesystem::path& file) {
  struct stat opened {};
  struct stat there {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(file.c_str(), &there) == 0 && opened.st_ino == there.st_ino &&
         opened.st_dev == there.st_dev;
}

}  // namespace

void make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::absolute(directory, error).parent_path();
  if (!error) std::filesystem::create_directories(parent, error);
  if (error) fail(parent, "cannot make this directory", error.value(), kRemedy);
  if (::mkdir(directory.c_str(), 0700) == 0) return sync_directory(parent);
  if (errno != EEXIST) fail(directory, "cannot make this directory", errno, kRemedy);
  if (!std::filesystem::is_directory(directory, error)) fail(directory, "cannot keep a store there", ENOTDIR, kRemedy);
}

void make_file(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) fail(file, "cannot open it", errno, kRemedy);
  ::close(descriptor);
}

void sync_directory(const std::filesystem::path& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) fail(directory, "cannot open it", errno, kRemedy);
  const int result = ::fsync(descriptor);
  const int cause = errno;
  ::close(descriptor);
  if (result != 0 && cause != EINVAL) fail(directory, "cannot sync it", cause, kRemedy);
}

DirectoryLock::DirectoryLock(const std::filesystem::path& directory) : file_(directory / "lock") {
  while (descriptor_ < 0) {
    descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor_ < 0) fail(file_, "cannot open it", errno, kRemedy);
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int cause = errno;
      const std::string holder = holder_in(descriptor_);
      ::close(descriptor_);
      if (cause != EWOULDBLOCK) fail(file_, "cannot lock it", cause, kRemedy);
      throw StoreError(escaped(directory.native()) + " is in use by " + holder +
                       ". Stop that broker, or name another directory");
    }
    if (!is_still(descriptor_, file_)) {
      ::close(descriptor_);
      descriptor_ = -1;
    }
  }
  const std::string text = self();
  if (::ftruncate(descriptor_, 0) == 0) static_cast<void>(::pwrite(descriptor_, text.data(), text.size(), 0));
}

DirectoryLock::~DirectoryLock() {
  ::unlink(file_.c_str());
  ::close(descriptor_);
}

}  // namespace stint::broker
