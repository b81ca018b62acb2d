#include <stint/worker.hpp>

#include <string>

int main(int argc, char** argv) {
  stint::Worker worker(stint::WorkerOptions::parse(argc, argv));
  worker.on("hello", [](stint::Task& task) { return "hello " + std::string(task.payload()); });
  return worker.run();
}
