// A worker of kind wordcount: the payload is text, the result how many words it has.
#include <stint/worker.hpp>

#include <iterator>
#include <sstream>
#include <string>

long count_words(std::string_view text) {
  std::istringstream words{std::string(text)};
  return std::distance(std::istream_iterator<std::string>(words), std::istream_iterator<std::string>());
}

int main(int argc, char** argv) {
  stint::Worker worker(stint::WorkerOptions::parse(argc, argv));
  worker.on("wordcount", [](stint::Task& task) { return count_words(task.payload()); });
  return worker.run();
}
