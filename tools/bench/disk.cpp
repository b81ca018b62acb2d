#include "tools/bench/disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include "tools/bench/bench.hpp"
#include "tools/bench/part.hpp"

namespace stint::bench {
namespace {

constexpr std::size_t kBlockBytes = 1 << 20;
constexpr int kBlocks = 64;
constexpr std::size_t kPageBytes = 4'096;
constexpr int kCommits = 200;

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw std::runtime_error(path.string() + ": " + std::strerror(errno) + ". Name a directory on the disk to be measured with --data");
}

}  // namespace

ScratchDirectory::ScratchDirectory(const std::filesystem::path& within) {
  std::string name = (within / "stint-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) fail(within);
  path_ = name;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Disk::Disk(const std::filesystem::path& within) : directory_(within) {
  const std::filesystem::path path = directory_.path() / "disk";
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0) fail(path);
}

Disk::~Disk() { ::close(file_); }

void Disk::measure() {
  const std::string block(kBlockBytes, 'x');
  const auto write = [&](std::size_t bytes) {
    if (::write(file_, block.data(), bytes) != static_cast<ssize_t>(bytes)) fail(directory_.path());
  };
  const auto sync = [&] {
    if (::fdatasync(file_) != 0) fail(directory_.path());
  };
  if (::ftruncate(file_, 0) != 0 || ::lseek(file_, 0, SEEK_SET) != 0) fail(directory_.path());
  sync();
  const TimePoint start = now();
  for (int i = 0; i < kBlocks; ++i) write(kBlockBytes);
  sync();
  rates_.push_back(static_cast<double>(kBlockBytes) * kBlocks / seconds_since(start));
  for (int i = 0; i < kCommits; ++i) {
    const TimePoint begun = now();
    write(kPageBytes);
    sync();
    commits_.push_back(seconds_since(begun) * 1e6);
  }
}

double Disk::bytes_per_second() const { return median(rates_); }
double Disk::commit_us() const { return median(commits_); }

double Disk::slow_commit_us() const {
  std::vector<double> sorted = commits_;
  return percentile(sorted, 0.99);
}

}  // namespace stint::bench
