#include "broker/record/background_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "common/model/limits.hpp"

namespace stint::broker::record {

BackgroundFile::BackgroundFile(const std::string& path)
    : fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category());
  thread_ = std::thread([this] { write_on(); });
}

BackgroundFile::~BackgroundFile() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  news_.notify_one();
  thread_.join();
  close(fd_);
}

// The thread is woken for the first bytes, after which it waits a moment for more, and when there are many.
bool BackgroundFile::append(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (!error_.empty()) return false;
  if (gathered_.size() + bytes.size() > limits::kRecordBufferBytes) {
    error_ = "the disk does not keep up";
    return false;
  }
  const bool was_many = gathered_.size() >= limits::kRecordWriteBytes;
  const bool wakes = gathered_.empty() || (!was_many && gathered_.size() + bytes.size() >= limits::kRecordWriteBytes);
  gathered_ += bytes;
  if (wakes) news_.notify_one();
  return true;
}

void BackgroundFile::flush() {
  std::unique_lock lock(mutex_);
  hurry_ = true;
  news_.notify_one();
  written_.wait(lock, [this] { return (gathered_.empty() && !writing_) || !error_.empty(); });
  hurry_ = false;
}

std::string BackgroundFile::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void BackgroundFile::write_on() {
  std::unique_lock lock(mutex_);
  const auto pressed = [this] { return ending_ || hurry_ || gathered_.size() >= limits::kRecordWriteBytes; };
  while (error_.empty()) {
    news_.wait(lock, [this] { return ending_ || !gathered_.empty(); });
    if (gathered_.empty()) break;
    news_.wait_for(lock, limits::kRecordDelay, pressed);
    const std::string block = std::exchange(gathered_, {});
    writing_ = true;
    lock.unlock();
    std::string failure = write(block);
    lock.lock();
    writing_ = false;
    if (error_.empty()) error_ = std::move(failure);
    written_.notify_all();
  }
}

std::string BackgroundFile::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::generic_category().message(errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace stint::broker::record
