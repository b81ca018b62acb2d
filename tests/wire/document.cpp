#include "tests/wire/document.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace stint::test {
namespace {

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

Cells cells_of(std::string_view line) {
  Cells cells;
  for (std::size_t at = 1; at < line.size();) {
    const std::size_t bar = std::min(line.find('|', at), line.size());
    cells.push_back(trimmed(line.substr(at, bar - at)));
    at = bar + 1;
  }
  return cells;
}

}  // namespace

std::string read_source_file(std::string_view path) {
  const char* root = std::getenv("STINT_SOURCE");
  const std::filesystem::path sources =
      root != nullptr ? root : std::filesystem::path(__FILE__).parent_path() / ".." / "..";
  std::ifstream file(sources / path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + (sources / path).string());
  return {std::istreambuf_iterator<char>(file), {}};
}

Document Document::section(std::string_view heading) const {
  const std::string line = "\n" + std::string(heading) + "\n";
  const std::size_t start = text_.find(line);
  if (start == std::string::npos) throw std::runtime_error("no section \"" + std::string(heading) + "\"");
  const std::size_t end = text_.find("\n#", start + line.size() - 1);
  return Document(text_.substr(start, end == std::string::npos ? end : end + 1 - start));
}

std::vector<std::string> Document::lines() const {
  std::vector<std::string> lines;
  std::istringstream text(text_);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::vector<Cells> Document::table(std::string_view first_title, int nth) const {
  std::vector<Cells> rows;
  bool inside = false;
  for (const std::string& line : lines()) {
    if (line.empty() || line.front() != '|') {
      if (inside) break;
      continue;
    }
    if (inside && line.find("---") == std::string::npos) rows.push_back(cells_of(line));
    if (!inside && cells_of(line).at(0) == first_title && nth-- == 0) inside = true;
  }
  return rows;
}

}  // namespace stint::test
