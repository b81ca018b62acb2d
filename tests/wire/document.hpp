// Reads PROTOCOL.md as what it is for a machine: sections with tables, and blocks of hex.
//
//   Document protocol("common/wire/PROTOCOL.md");
//   for (const auto& row : protocol.section("### HELLO").table("field")) row.at(0) == "role";
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stint::test {

using Cells = std::vector<std::string>;

std::string read_source_file(std::string_view path);  // from the root of the sources

class Document {
 public:
  explicit Document(std::string text) : text_(std::move(text)) {}

  // What stands under a heading, up to the next heading of any level.
  Document section(std::string_view heading) const;
  bool has_section(std::string_view heading) const {
    return text_.find("\n" + std::string(heading) + "\n") != std::string::npos;
  }

  // The rows of the `nth` table whose first column has this title, without the title row.
  std::vector<Cells> table(std::string_view first_title, int nth = 0) const;

  std::vector<std::string> lines() const;

 private:
  std::string text_;
};

}  // namespace stint::test
