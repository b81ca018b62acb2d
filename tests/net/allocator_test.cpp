#include "common/net/allocator.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace stint {
namespace {

constexpr std::size_t kMessageBytes = 256 << 10;
constexpr std::size_t kQueueBytes = 48 << 20;
constexpr long kPages = kQueueBytes / 4096;

// A sanitizer has an allocator of its own.
bool is_sanitized() {
  const char* sanitizer = std::getenv("STINT_SANITIZE");
  return sanitizer != nullptr && *sanitizer != '\0';
}

// Page faults of this thread while a queue of messages is filled, and freed from the front.
long faults_of_queue() {
  rusage before{}, after{};
  getrusage(RUSAGE_THREAD, &before);
  std::vector<std::unique_ptr<char[]>> queue;
  queue.reserve(kQueueBytes / kMessageBytes);
  for (std::size_t bytes = 0; bytes < kQueueBytes; bytes += kMessageBytes) {
    queue.push_back(std::make_unique_for_overwrite<char[]>(kMessageBytes));
    std::memset(queue.back().get(), 'x', kMessageBytes);
  }
  for (auto& message : queue) message.reset();
  getrusage(RUSAGE_THREAD, &after);
  return after.ru_minflt - before.ru_minflt;
}

TEST_CASE("a thread that has freed a long queue fills the next one without page faults" * doctest::skip(is_sanitized())) {
  tune_allocator();
  std::thread([] {
    faults_of_queue();  // in memory that it never had before
    CHECK(faults_of_queue() < kPages / 100);
  }).join();
}

}  // namespace
}  // namespace stint
