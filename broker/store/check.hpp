// Reads a whole store, and says what is in it and what is wrong with it: stint-broker --check DIR.
//
//   const CheckReport report = check_store(directory);
//   std::cout << report.text;
//   return report.findings.empty() ? 0 : 1;
//
// Changes nothing. Throws StoreError where there is nothing to read: no store, a newer version, a broker that is using
// it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace stint::broker {

struct CheckReport {
  std::string text;                   // lines for people: the store, its jobs with totals and digests, the findings
  std::vector<std::string> findings;  // what is wrong; empty = nothing
};

CheckReport check_store(const std::filesystem::path& directory);

}  // namespace stint::broker
