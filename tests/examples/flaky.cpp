// A worker whose payloads say how it behaves, for tests of what goes wrong. Kind: flaky. The payload is a word and what
// it needs:
//
//   ok TEXT       returns TEXT                       fail TEXT     fails, to be tried again
//   once          fails the first attempt            reject TEXT   fails for good
//   throw         throws what is no exception        big BYTES     returns so many bytes
//   exit CODE     ends the whole process             crash         is killed by a signal
//   wait          until it is told to stop           hang          for ever, whatever it is told
//   steps COUNT   reports progress COUNT times
#include <stint/worker.hpp>

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <stop_token>
#include <string>

namespace {

// Nobody ever notifies: it ends with the token, and never with a token that is not asked.
void wait_for(const std::stop_token& token) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait(lock, token, [] { return false; });
}

void report(stint::Task& task, int count) {
  for (int i = 1; i <= count; ++i) task.progress(static_cast<double>(i) / count, "step " + std::to_string(i));
}

std::string behave(stint::Task& task) {
  const std::string payload(task.payload());
  const std::string word = payload.substr(0, payload.find(' '));
  const std::string rest = word.size() < payload.size() ? payload.substr(word.size() + 1) : "";
  if (word == "fail") task.fail(rest);
  if (word == "reject") task.reject(rest);
  if (word == "once" && task.attempt() == 1) task.fail("the first attempt fails");
  if (word == "throw") throw 42;
  if (word == "big") return std::string(std::stoull(rest), 'x');
  if (word == "exit") std::_Exit(std::stoi(rest));
  if (word == "crash") std::abort();
  if (word == "wait") wait_for(task.stop_token());
  if (word == "hang") wait_for(std::stop_token());
  if (word == "steps") report(task, std::stoi(rest));
  return rest;
}

}  // namespace

int main(int argc, char** argv) {
  stint::Worker worker(stint::WorkerOptions::parse(argc, argv));
  worker.on("flaky", behave);
  return worker.run();
}
