// A worker of kind obey, for tests of what goes wrong: each payload says how its task ends.
//
//   fail N     fails, and is done from attempt N + 1 on
//   crash N    kills its worker, and is done from attempt N + 1 on
//   wait PATH  is done when whoever holds the FIFO at PATH open for writing has closed it
//   else       is done
//
// The result is the payload.
#include <stint/worker.hpp>

#include <csignal>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

void obey(const stint::Task& task) {
  std::istringstream order{std::string(task.payload().substr(0, 300))};
  std::string verb;
  std::string object;
  order >> verb >> object;
  const auto is_due = [&] { return task.attempt() <= std::stoul(object); };
  if (verb == "fail" && is_due()) task.fail("as ordered");
  if (verb == "crash" && is_due()) std::raise(SIGKILL);
  if (verb == "wait") std::ifstream(object).ignore(std::numeric_limits<std::streamsize>::max());
}

int main(int argc, char** argv) {
  stint::Worker worker(stint::WorkerOptions::parse(argc, argv));
  worker.on("obey", [](stint::Task& task) { return obey(task), task.payload(); });
  return worker.run();
}
