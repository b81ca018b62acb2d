#include "worker/command/program.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "common/model/escape.hpp"

namespace stint::worker {
namespace {

bool is_program(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

// What a script names behind #! in its first line, as the kernel reads it; empty: it names none.
std::string interpreter_of(const std::string& path) {
  constexpr const char* kBlanks = " \t";
  std::ifstream file(path);
  std::string line;
  if (file.get() != '#' || file.get() != '!' || !std::getline(file, line)) return {};
  line.erase(0, line.find_first_not_of(kBlanks));
  return line.substr(0, line.find_first_of(kBlanks));
}

std::string objection_to_file(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return std::generic_category().message(errno);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return "it is a directory; name a program in it";
  if (!is_program(path)) return "it is not executable; chmod +x makes it so";
  const std::string interpreter = interpreter_of(path);
  if (interpreter.empty() || ::access(interpreter.c_str(), F_OK) == 0) return {};
  return "its interpreter '" + escaped(interpreter) + "' is not there; install it, or mend the first line of " + path;
}

}  // namespace

// In PATH it is looked for as execvpe() does: an empty entry is the present directory, at the end too, and a script without its
// interpreter is passed over.
std::string objection_to(const std::string& program) {
  if (program.empty()) return "its name is empty";
  if (program.find('/') != program.npos) return objection_to_file(program);
  std::string objection = "no directory of PATH has it; for one elsewhere write its path, such as ./" + program;
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path == nullptr ? "/bin:/usr/bin" : path) + ":");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string file = (folder.empty() ? "." : folder) + "/" + program;
    if (!is_program(file)) continue;
    objection = objection_to_file(file);
    if (objection.empty()) break;
  }
  return objection;
}

}  // namespace stint::worker
