#include "worker/command/command_handler.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "common/model/limits.hpp"
#include "worker/command/process.hpp"
#include "worker/command/program.hpp"

namespace stint::worker {
namespace {

std::vector<std::string> variables(const Task& task) {
  return {"STINT_JOB=" + std::to_string(value(task.job())), "STINT_INDEX=" + std::to_string(task.index()),
          "STINT_ATTEMPT=" + std::to_string(task.attempt()), "STINT_TOKEN=" + std::to_string(value(task.token())),
          "STINT_KIND=" + std::string(task.kind())};
}

Ending not_started(const std::string& program, int error, std::size_t payload) {
  if (error == E2BIG) {
    return {
        .failure = Failure::rejected,
        .error = "the payload of " + std::to_string(payload) +
                 " bytes is too long for an argument; start stint-worker with --stdin to pass it on standard input"};
  }
  std::string why = objection_to(program);
  if (why.empty()) why = std::generic_category().message(error);
  return {.failure = Failure::failed, .error = "cannot run '" + program + "': " + why, .exit = 127};
}

Ending failed(Finished finished) {
  if (finished.error.find_first_not_of(" \t\r\n\f\v") == finished.error.npos)
    finished.error = finished.signal != 0 ? strsignal(finished.signal) : "nothing on standard error";
  return {.result = std::move(finished.output),
          .failure = Failure::failed,
          .error = std::move(finished.error),
          .exit = finished.exit,
          .signal = finished.signal};
}

Ending too_large() {
  return {.failure = Failure::too_large,
          .error = "the command wrote more than the limit of " + std::to_string(limits::kMaxPayloadBytes) +
                   " bytes to its standard output; let it write to a file and print the file's name"};
}

}  // namespace

Ending run_command(const CommandTemplate& command, Guardian& guardian, Task& task) {
  if (const auto objection = command.objection(task.payload()))
    return {.failure = Failure::rejected, .error = *objection};
  Guardian::Seat seat = guardian.take();
  const Start start{.arguments = command.build(task.payload()),
                    .environment = variables(task),
                    .input = command.standard_input ? task.payload() : std::string_view(),
                    .output_limit = limits::kMaxPayloadBytes,
                    .error_limit = limits::kMaxTextBytes};
  Finished finished = run_process(start, seat, task.stop_token());
  if (finished.start_error != 0)
    return not_started(start.arguments.front(), finished.start_error, task.payload().size());
  if (finished.too_much) return too_large();
  if (finished.exit != 0 || finished.signal != 0) return failed(std::move(finished));
  return {.result = std::move(finished.output)};
}

Handler command_handler(CommandTemplate command, Guardian& guardian) {
  return [command = std::move(command), &guardian](Task& task) { return run_command(command, guardian, task); };
}

}  // namespace stint::worker
