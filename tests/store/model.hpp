// What a store must answer, kept in plain vectors: every task and every result by itself.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/core/changes.hpp"

namespace stint::broker {

struct ModelResult {
  Index task = 0;
  Attempt attempt = 1;
  std::string worker;
  std::string result;
  std::string error;
  std::uint32_t micros = 0;
  std::uint32_t code = 0;  // 0 = done
  std::int32_t exit = 0;
  friend bool operator==(const ModelResult&, const ModelResult&) = default;
};

std::vector<ModelResult> results_of(const JobResults& results);

struct ModelJob {
  PutJob put;
  std::vector<std::string> tasks;
  Digest digest;
  Index handed_upto = 0;
  Index dropped_below = 0;
  std::set<Index> ended;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t outcomes_digest = 0;
  std::uint64_t consumed = 0;
  std::vector<ModelResult> results;      // by position, also those trimmed
  std::map<Index, std::size_t> by_task;  // task -> position
  std::map<Index, std::uint32_t> failures;
  std::map<Index, Blob> letters;

  std::uint64_t received_bytes() const;
};

class Model {
 public:
  void apply(const Change& change);

  // Doctest checks: `found` is what a store with these changes says at its start, and what it fetches.
  void check(const Found& found) const;
  void check(const FetchedTasks& fetched) const;
  void check(const FetchedResults& fetched) const;

  const std::map<JobId, ModelJob>& jobs() const { return jobs_; }
  std::uint64_t last_job() const { return last_job_; }

 private:
  void check(const FoundJob& found, const ModelJob& job) const;
  void check_results(const FoundJob& found, const ModelJob& job) const;

  std::map<JobId, ModelJob> jobs_;
  std::vector<PutAnswer> answers_;
  std::uint64_t last_job_ = 0;
};

}  // namespace stint::broker
