#include "tools/show/failures.hpp"

#include <algorithm>
#include <cctype>

#include "common/model/limits.hpp"
#include "tools/show/text.hpp"

namespace stint::tool {
namespace {

constexpr std::string_view kOtherText = "(other texts)";

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// What a program said last tends to be why it ended.
std::string_view last_line(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  const std::size_t newline = text.rfind('\n');
  return newline == text.npos ? text : text.substr(newline + 1);
}

}  // namespace

std::string failure_text(const TaskResult& failed) {
  std::string text;
  if (failed.failure != Failure::failed) text = to_string(failed.failure);
  if (failed.exit != 0) text += (text.empty() ? "" : ", ") + ("exit " + std::to_string(failed.exit));
  if (failed.signal != 0) text += (text.empty() ? "" : ", ") + ("signal " + std::to_string(failed.signal));
  const std::string_view said = last_line(failed.error);
  if (!said.empty()) text += (text.empty() ? "" : ": ") + fitted(escaped(said), limits::kShownErrorColumns);
  return text.empty() ? "failed without a word" : text;
}

std::string likeness(std::string_view text) {
  std::string like;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '/' && i + 1 < text.size() && is_word(text[i + 1])) {
      while (i < text.size() && (is_word(text[i]) || std::string_view("/.-+~").find(text[i]) != std::string_view::npos))
        ++i;
      like += "PATH";
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      while (i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0) ++i;
      like += 'N';
    } else {
      like += c;
      ++i;
    }
  }
  return like;
}

std::optional<std::string> FailureLog::told(TimePoint now, const TaskResult& failed) {
  ++count_;
  const std::string text = failure_text(failed);
  // The exit status belongs to the likeness, although it is a number.
  std::string key = std::to_string(failed.exit) + "/" + std::to_string(failed.signal) + "/" + likeness(text);
  const bool known = groups_.contains(key);
  if (!known && groups_.size() >= limits::kFailureGroups) key = kOtherText;
  Group& group = groups_[key];
  if (group.count++ == 0) group.example = text, group.index = failed.index;

  const bool is_due = count_ <= limits::kFailuresToldAtOnce || !last_told_ || now - *last_told_ >= limits::kFailureLine;
  if (!is_due) return ++untold_, std::nullopt;
  last_told_ = now;
  std::string line = "task " + std::to_string(failed.index) + " failed";
  if (failed.attempt > 1) line += " (attempt " + std::to_string(failed.attempt) + ")";
  if (untold_ > 0) line += ", and " + std::to_string(untold_) + " others before it";
  untold_ = 0;
  return line + ": " + text;
}

std::vector<std::string> FailureLog::summary() const {
  std::vector<const Group*> order;
  for (const auto& [key, group] : groups_) order.push_back(&group);
  std::sort(order.begin(), order.end(), [](const Group* a, const Group* b) {
    return a->count != b->count ? a->count > b->count : a->index < b->index;
  });
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min<std::size_t>(order.size(), limits::kFailureGroupsShown); ++i) {
    lines.push_back("  " + std::to_string(order[i]->count) + " x " + order[i]->example + "   (task " +
                    std::to_string(order[i]->index) + ")");
  }
  if (order.size() > lines.size())
    lines.push_back("  and " + std::to_string(order.size() - lines.size()) + " other kinds of failure");
  return lines;
}

}  // namespace stint::tool
