#include <cmath>
#include <iostream>

#include "common/model/escape.hpp"
#include "common/model/limits.hpp"
#include "common/net/endpoint.hpp"
#include "worker/runtime/runtime.hpp"
#include "worker/runtime/task_host.hpp"

namespace stint::worker {
namespace {

class Terminal : public TaskHost {
 public:
  explicit Terminal(const std::string& program) : program_(program) {}

  void progress(double fraction, std::string_view note) override {
    std::cerr << program_ + ": " + std::to_string(std::lround(fraction * 100)) + " % " + escaped(note) + "\n";
  }
  std::stop_token stop_token() override { return source_.get_token(); }

 private:
  const std::string& program_;
  std::stop_source source_;
};

}  // namespace

int try_out(const WorkerOptions& options, const std::string& kind, const Handler& handler) {
  Terminal terminal(options.program);
  Task task({.payload = *options.try_payload, .kind = kind, .job_name = "try", .context = {}}, terminal);
  Ending ending = run_handler(handler, task);
  check_size(ending, limits::kMaxPayloadBytes);
  std::cout << ending.result;
  if (!ending.result.empty() && ending.result.back() != '\n') std::cout << '\n';
  if (!std::cout.flush()) {
    std::cerr << options.program << ": cannot write the result to standard output\n";
    return kExitFailed;
  }
  if (!ending.failure) return kExitOk;
  std::cerr << options.program << ": " << to_string(*ending.failure);
  if (ending.exit != 0) std::cerr << ", exit " << ending.exit;
  if (ending.signal != 0) std::cerr << ", signal " << ending.signal;
  std::cerr << ": " << ending.error << (ending.error.ends_with('\n') ? "" : "\n");
  return kExitFailed;
}

}  // namespace stint::worker
