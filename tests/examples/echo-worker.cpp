// A worker of kind echo: the result is the payload.
#include <stint/worker.hpp>

int main(int argc, char** argv) {
  stint::Worker worker(stint::WorkerOptions::parse(argc, argv));
  worker.on("echo", [](stint::Task& task) { return task.payload(); });
  return worker.run();
}
