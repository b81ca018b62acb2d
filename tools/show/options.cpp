#include "tools/show/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "tools/show/text.hpp"

namespace stint::tool {

void Options::custom(std::string name, char letter, std::string value, std::string sentence, Take take) {
  options_.push_back({std::move(name), letter, std::move(value), std::move(sentence), std::move(take)});
}

void Options::flag(std::string name, char letter, std::string sentence, bool& into) {
  custom(std::move(name), letter, "", std::move(sentence), [&into](std::string_view) { into = true; });
}

void Options::text(std::string name, char letter, std::string value, std::string sentence, std::string& into) {
  const std::string what = "--" + name;
  const std::string usage = what + " " + value;
  custom(std::move(name), letter, std::move(value), std::move(sentence), [=, &into](std::string_view text) {
    if (text.empty()) throw UsageError(what + " is empty: write " + usage + ", or leave it out");
    into = text;
  });
}

void Options::texts(std::string name, char letter, std::string value, std::string sentence,
                    std::vector<std::string>& into) {
  custom(std::move(name), letter, std::move(value), std::move(sentence),
         [&into](std::string_view text) { into.emplace_back(text); });
}

void Options::number(std::string name, char letter, std::string value, std::string sentence, std::int64_t least,
                     std::int64_t most, std::int64_t& into) {
  const std::string what = "--" + name;
  custom(std::move(name), letter, std::move(value), std::move(sentence),
         [=, &into](std::string_view text) { into = to_number(what, text, least, most); });
}

void Options::seconds(std::string name, char letter, std::string value, std::string sentence, Duration& into) {
  const std::string what = "--" + name;
  custom(std::move(name), letter, std::move(value), std::move(sentence),
         [=, &into](std::string_view text) { into = to_seconds(what, text); });
}

// One reading of a command line.
class Options::Parser {
 public:
  Parser(const std::vector<Option>& options, const std::vector<std::string>& arguments)
      : options_(options), arguments_(arguments) {}

  std::vector<std::string> rest() {
    std::vector<std::string> rest;
    while (at_ < arguments_.size()) {
      const std::string& argument = arguments_[at_++];
      if (argument == "--") {
        rest.insert(rest.end(), arguments_.begin() + static_cast<std::ptrdiff_t>(at_), arguments_.end());
        break;
      }
      if (argument.starts_with("--")) {
        long_option(argument);
      } else if (argument.size() > 1 && argument.front() == '-' && !is_negative_number(argument)) {
        letters(argument);
      } else {
        rest.push_back(argument);
      }
    }
    return rest;
  }

 private:
  bool is_negative_number(std::string_view argument) const {
    const bool digits = argument.find_first_not_of("0123456789", 1) == argument.npos;
    return digits &&
           std::none_of(options_.begin(), options_.end(), [&](const Option& o) { return o.letter == argument[1]; });
  }

  void long_option(std::string_view argument) {
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(2, equals == argument.npos ? argument.npos : equals - 2);
    const Option& option = find([&](const Option& o) { return o.name == name; }, argument.substr(0, equals));
    if (option.value.empty()) {
      if (equals != argument.npos) throw UsageError("--" + option.name + " takes no value");
      return option.take({});
    }
    option.take(equals == argument.npos ? next(option) : argument.substr(equals + 1));
  }

  void letters(std::string_view argument) {
    for (std::size_t i = 1; i < argument.size(); ++i) {
      const Option& option = find([&](const Option& o) { return o.letter == argument[i]; }, argument);
      if (option.value.empty()) {
        option.take({});
        continue;
      }
      return option.take(i + 1 < argument.size() ? argument.substr(i + 1) : next(option));
    }
  }

  std::string_view next(const Option& option) {
    if (at_ == arguments_.size())
      throw UsageError("--" + option.name + " needs a value: --" + option.name + " " + option.value);
    return arguments_[at_++];
  }

  template <class Is>
  const Option& find(Is is, std::string_view written) const {
    const auto at = std::find_if(options_.begin(), options_.end(), is);
    if (at == options_.end()) throw UsageError("there is no option " + escaped(written) + "; see --help");
    return *at;
  }

  const std::vector<Option>& options_;
  const std::vector<std::string>& arguments_;
  std::size_t at_ = 0;
};

std::vector<std::string> Options::parse(const std::vector<std::string>& arguments) const {
  return Parser(options_, arguments).rest();
}

std::string Options::help() const {
  std::vector<std::string> left;
  std::size_t width = 0;
  for (const Option& option : options_) {
    std::string text = option.letter == 0 ? "    " : std::string("-") + option.letter + ", ";
    text += "--" + option.name + (option.value.empty() ? "" : " " + option.value);
    width = std::max(width, text.size());
    left.push_back(std::move(text));
  }
  std::string help;
  for (std::size_t i = 0; i < options_.size(); ++i) {
    help += "  " + left[i] + std::string(width - left[i].size() + 2, ' ') + options_[i].sentence + "\n";
  }
  return help;
}

std::int64_t to_number(std::string_view what, std::string_view text, std::int64_t least, std::int64_t most) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    throw UsageError(std::string(what) + " wants a whole number from " + std::to_string(least) + " to " +
                     std::to_string(most) + ", not \"" + escaped(text) + "\"");
  }
  return number;
}

Duration to_seconds(std::string_view what, std::string_view text) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr double kMost = 30.0 * 24 * 3600;
  if (error != std::errc() || end != text.data() + text.size() || !(seconds > 0) || seconds > kMost) {
    throw UsageError(std::string(what) + " wants seconds, more than 0 and at most 30 days (2592000), not \"" +
                     escaped(text) + "\"");
  }
  return Duration(static_cast<Duration::rep>(seconds * 1e9));
}

}  // namespace stint::tool
