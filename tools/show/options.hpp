// Options as data: a row an option, from which both the reading of a command line and its help come.
//
//   Options options;
//   options.text("kind", 'K', "KIND", "what the tasks ask for", kind);
//   options.flag("json", 0, "one JSON object a line", json);
//   std::vector<std::string> rest = options.parse(arguments);   // throws UsageError
//   std::cout << options.help();
//
// --name VALUE, --name=VALUE, -n VALUE, -nVALUE and joined letters (-k0) are understood; `--` ends the options; -5
// is a number where 5 is no option's letter. The variables given are
// written by parse() and must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/time.hpp"

namespace stint::tool {

// What a user wrote is wrong. The text names the thing and what to do about it.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Options {
 public:
  using Take = std::function<void(std::string_view value)>;

  void flag(std::string name, char letter, std::string sentence, bool& into);
  void text(std::string name, char letter, std::string value, std::string sentence, std::string& into);  // never empty
  void texts(std::string name, char letter, std::string value, std::string sentence, std::vector<std::string>& into);
  void number(std::string name, char letter, std::string value, std::string sentence, std::int64_t least,
              std::int64_t most, std::int64_t& into);
  void seconds(std::string name, char letter, std::string value, std::string sentence, Duration& into);
  void custom(std::string name, char letter, std::string value, std::string sentence, Take take);

  std::vector<std::string> parse(const std::vector<std::string>& arguments) const;  // what is no option, in order
  std::string help() const;                                                         // a line an option, indented by two

 private:
  struct Option {
    std::string name;
    char letter;
    std::string value;  // what its value is called; empty = it takes none
    std::string sentence;
    Take take;
  };
  class Parser;

  std::vector<Option> options_;
};

// Whole numbers and seconds (fractions allowed) as people write them. Throw UsageError naming `what`.
std::int64_t to_number(std::string_view what, std::string_view text, std::int64_t least, std::int64_t most);
Duration to_seconds(std::string_view what, std::string_view text);

}  // namespace stint::tool
