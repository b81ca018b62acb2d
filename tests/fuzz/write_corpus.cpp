// Writes one file for each sample message into a directory: where a fuzzer starts from.
//
//   write_corpus DIRECTORY
#include <fstream>
#include <iostream>

#include "common/wire/codec.hpp"
#include "tests/wire/samples.hpp"

using namespace stint;

namespace {

void write(const std::string& path, std::string_view head, std::string_view blob) {
  std::ofstream file(path, std::ios::binary);
  file.put(static_cast<char>(head.size())).put(static_cast<char>(head.size() >> 8));
  file.write(head.data(), static_cast<std::streamsize>(head.size()));
  file.write(blob.data(), static_cast<std::streamsize>(blob.size()));
  if (!file.flush()) std::cerr << "write_corpus: cannot write " << path << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "usage: write_corpus DIRECTORY\n", 2;
  const std::string directory = argv[1];
  for (const Envelope& envelope : test::sample_of_each_message()) {
    const Frames frames = encode(envelope);
    write(directory + "/message_" + std::to_string(static_cast<int>(type_of(envelope.message))), frames.head,
          frames.blob.view());
  }
  const Event event = test::sample_event();
  write(directory + "/event", encode_event(event), event.topic);
  return 0;
}
