// stint-replay: steps the broker's core through what `stint-broker --record FILE` has written, and compares what comes out.
//
//   stint-replay FILE                  the same outputs?
//   stint-replay --verbose FILE        with every input and output
//   stint-replay --promises FILE       outputs may differ, as after a change of the core; no promise may break
//
// Exit code 0: yes; 1: no, and where; 2: usage; 3: the file is no whole recording, and where not.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "common/model/escape.hpp"
#include "common/model/require.hpp"
#include "tests/replayer/described.hpp"
#include "tests/replayer/replay.hpp"

namespace stint::replay {
namespace {

constexpr int kSame = 0;
constexpr int kDiffers = 1;
constexpr int kUsage = 2;
constexpr int kRefused = 3;

struct Request {
  std::string file;
  bool verbose = false;
  bool promises = false;
};

const Replay* current = nullptr;

void say_where(const char* broken) {
  std::cout.flush();
  std::fprintf(stderr, "%s\n  in record %llu, at byte %llu: %s\n", broken, static_cast<unsigned long long>(current->record().number),
               static_cast<unsigned long long>(current->record().at), described(current->record().input).c_str());
  if (!current->record().returned) std::fputs("  as it was when it was recorded\n", stderr);
  std::_Exit(kDiffers);
}

int play(const Request& request, Recording& recording) {
  Replay replay(recording);
  current = &replay;
  on_broken_promise(say_where);
  replay.outputs_matter = !request.promises;
  if (request.verbose) replay.say = [](const std::string& line) { std::cout << line << '\n'; };
  const auto difference = replay.run();
  for (const std::string& line : replay.endings()) std::cout << line << '\n';
  if (difference) {
    std::cout << *difference << std::endl;
    return kDiffers;
  }
  std::cout << (replay.differing() == 0 ? "identical" : "no promise broken") << ": " << replay.inputs() << " inputs, "
            << replay.outputs() << " outputs";
  if (replay.differing() > 0) std::cout << ", after " << replay.differing() << " inputs others than recorded";
  std::cout << "; recorded by stint " << escaped(recording.version()) << "; end: " << escaped(recording.ending()) << std::endl;
  return kSame;
}

int usage() {
  std::cerr << "usage: stint-replay [--verbose] [--promises] FILE\n";
  return kUsage;
}

int main(int argc, char** argv) {
  Request request;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--verbose") {
      request.verbose = true;
    } else if (word == "--promises") {
      request.promises = true;
    } else if (word.starts_with("--") || !request.file.empty()) {
      return usage();
    } else {
      request.file = word;
    }
  }
  if (request.file.empty()) return usage();
  std::ifstream stream(request.file, std::ios::binary);
  if (!stream) {
    std::cerr << "stint-replay: " << escaped(request.file) << " cannot be read\n";
    return kRefused;
  }
  try {
    Recording recording(stream);
    return play(request, recording);
  } catch (const RefusedRecording& error) {
    std::cout.flush();
    std::cerr << "stint-replay: " << escaped(request.file) << ": " << error.what() << '\n';
    return kRefused;
  }
}

}  // namespace
}  // namespace stint::replay

int main(int argc, char** argv) { return stint::replay::main(argc, argv); }
