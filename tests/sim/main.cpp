// stint-sim: the real broker, workers and clients in virtual time, under a hostile world that is drawn from a seed.
//
//   stint-sim --seed 17 --verbose      one run, with every message
//   stint-sim --seeds 1..3000          many; the seeds that fail are named
//   stint-sim --seeds 1..50 --twice    each one twice: the same seed is the same run
//   stint-sim --seeds 1..2000 --until-failure
//   stint-sim --seeds 1..100000 --distribution     runs none: how often these seeds draw which fault
//
// Exit code 0: all promises were kept; 1: some were not; 2: usage.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "tests/sim/scene.hpp"

namespace stint::sim {
namespace {

struct Request {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  bool verbose = false;
  bool twice = false;
  bool until_failure = false;
  bool distribution = false;
};

// What the process that runs and the one that waits have in common: a broken invariant ends the former.
struct Shared {
  std::uint64_t seed;
  std::uint64_t failed;
  std::uint64_t messages;
};

bool run(std::uint64_t seed, const Request& request, Shared& shared) {
  const Options options = Options::drawn_from(seed);
  if (request.verbose || request.first == request.last) std::printf("%s\n", options.text().c_str());
  try {
    Scene scene(options, request.verbose);
    scene.play();
    if (request.twice) {
      Scene again(options, false);
      again.play();
      if (again.traffic() != scene.traffic()) throw Failure("the same seed was another run");
    }
    if (request.verbose || request.first == request.last) std::printf("seed %lu: %s\n", seed, scene.summary().c_str());
    shared.messages += scene.messages();
    return true;
  } catch (const Failure& failure) {
    std::printf("FAILED %s\n  %s\n", options.text().c_str(), failure.what());
    return false;
  }
}

// Runs until all are done, or one ends the process.
void run_in_child(const Request& request, Shared& shared) {
  for (; shared.seed <= request.last && !(request.until_failure && shared.failed > 0); ++shared.seed) {
    if (!run(shared.seed, request, shared)) ++shared.failed;
    std::fflush(stdout);
  }
}

int run_all(const Request& request) {
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return std::perror("mmap"), 1;
  auto& shared = *new (memory) Shared{request.first, 0, 0};
  const auto begin = std::chrono::steady_clock::now();
  while (shared.seed <= request.last && !(request.until_failure && shared.failed > 0)) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      run_in_child(request, shared);
      std::fflush(stdout);
      std::exit(0);  // and not _exit(), behind which nobody learns what was covered
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) break;
    std::printf("FAILED %s\n  the process has ended\n", Options::drawn_from(shared.seed).text().c_str());
    ++shared.failed;
    ++shared.seed;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%lu seeds, %lu failed, %lu messages, %.1f s\n", request.last - request.first + 1, shared.failed,
              shared.messages, seconds);
  return shared.failed == 0 ? 0 : 1;
}

int usage() {
  std::fprintf(stderr,
               "usage: stint-sim [--seed N | --seeds A..B] [--verbose] [--twice] [--until-failure] [--distribution]\n");
  return 2;
}

int main(int argc, char** argv) {
  Request request;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--verbose") {
      request.verbose = true;
    } else if (option == "--twice") {
      request.twice = true;
    } else if (option == "--until-failure") {
      request.until_failure = true;
    } else if (option == "--distribution") {
      request.distribution = true;
    } else if ((option == "--seed" || option == "--seeds") && i + 1 < argc) {
      char* end = nullptr;
      request.first = request.last = std::strtoull(argv[++i], &end, 10);
      if (std::strncmp(end, "..", 2) == 0) request.last = std::strtoull(end + 2, &end, 10);
      if (*end != '\0' || request.last < request.first) return usage();
    } else {
      return usage();
    }
  }
  if (!request.distribution) return run_all(request);
  std::printf("%s", Options::distribution(request.first, request.last).c_str());
  return 0;
}

}  // namespace
}  // namespace stint::sim

int main(int argc, char** argv) { return stint::sim::main(argc, argv); }
