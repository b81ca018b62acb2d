#include "worker/command/command_template.hpp"

namespace stint::worker {
namespace {

constexpr std::string_view kPlace = "{}";

// Returns whether there was something to replace.
bool replace_all(std::string& text, std::string_view replacement) {
  bool found = false;
  for (std::size_t at = text.find(kPlace); at != std::string::npos; at = text.find(kPlace, at + replacement.size())) {
    text.replace(at, kPlace.size(), replacement);
    found = true;
  }
  return found;
}

std::vector<std::string> shell_command(const CommandTemplate& command, std::string_view payload) {
  std::string text;
  for (const std::string& argument : command.arguments) text += (text.empty() ? "" : " ") + argument;
  if (command.standard_input) return {"/bin/sh", "-c", text, "stint-worker"};
  const bool has_place = replace_all(text, "\"$1\"");
  if (!has_place && text.find("$1") == std::string::npos && text.find("${1") == std::string::npos) text += " \"$1\"";
  return {"/bin/sh", "-c", text, "stint-worker", std::string(payload)};
}

}  // namespace

std::vector<std::string> CommandTemplate::build(std::string_view payload) const {
  if (shell) return shell_command(*this, payload);
  std::vector<std::string> built = arguments;
  if (standard_input) return built;
  bool has_place = false;
  for (std::string& argument : built) has_place = replace_all(argument, payload) || has_place;
  if (!has_place) built.emplace_back(payload);
  return built;
}

std::optional<std::string> CommandTemplate::objection(std::string_view payload) const {
  if (standard_input || payload.find('\0') == std::string_view::npos) return std::nullopt;
  return "the payload has a NUL byte, which no argument can carry; start stint-worker with --stdin to pass it on "
         "standard input";
}

}  // namespace stint::worker
