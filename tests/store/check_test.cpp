#include "broker/store/check.hpp"

#include <doctest/doctest.h>

#include <string>

#include "driver.hpp"

namespace stint::broker {
namespace {

constexpr JobId kJob{1};

// Three tasks, one done and one failed, with the digests that a core would have told.
void keep_some(const std::filesystem::path& directory) {
  Driver store({.directory = directory});
  PutJob job = job_of(1);
  job.options.results = ResultsPolicy::keep;
  Digest digest;
  for (const char* task : {"one", "two", "three"}) digest.add(task);
  OutcomesBuilder builder;
  builder.done(2, "THREE", 5);
  builder.not_done(0, Failure::failed, "", "no", 6);
  JobResults results{kJob, 0, 1, "w", builder.take()};
  const std::uint64_t outcomes = outcomes_digest(results.outcomes);
  store.commit({job, AppendTasks{kJob, 0, batch_of({"one", "two", "three"}), digest},
                AppendOutcomes{kJob, results.outcomes.indices, 1, 1, outcomes, results, {{0, Blob::copy_of("one")}}}});
}

std::string findings(const std::filesystem::path& directory) {
  std::string all;
  for (const std::string& finding : check_store(directory).findings) all += finding + "\n";
  return all;
}

std::string refused(const std::filesystem::path& directory) {
  try {
    check_store(directory);
  } catch (const StoreError& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a sound store is described, with totals and digests, and not changed") {
  const TempDirectory directory;
  keep_some(directory.path());
  const CheckReport report = check_store(directory.path());
  CAPTURE(report.text);
  CHECK(report.findings.empty());
  CHECK(names(report.text, "job 1 (echo): open, 3 tasks, 1 done, 1 failed"));
  CHECK(names(report.text, "11 bytes of tasks"));
  CHECK(names(report.text, "1 dead letters"));
  CHECK(names(report.text, "nothing is wrong"));
  CHECK(check_store(directory.path()).text == report.text);
  CHECK(Driver({.directory = directory.path()}).opened().epoch == 2);
}

TEST_CASE("rows that contradict each other are found, each with what is wrong") {
  const TempDirectory directory;
  keep_some(directory.path());
  std::string damage;
  std::string finding;
  SUBCASE("a payload") {
    damage = "UPDATE payloads SET blob = x'6f6e6574776f7468726566' WHERE id = (SELECT payload FROM chunks)";
    finding = "has tasks with the digest";
  }
  SUBCASE("a result") {
    damage = "UPDATE payloads SET blob = x'5448524545ffff' WHERE id = (SELECT payload FROM results)";
    finding = "has results with the digest";
  }
  SUBCASE("a head") {
    damage = "UPDATE payloads SET head = x'00' WHERE id = (SELECT payload FROM chunks)";
    finding = "tasks of job 1 from 0 on cannot be read";
  }
  SUBCASE("the counts") {
    damage = "UPDATE counts SET done = 2";
    finding = "job 1 counts 3 ended tasks, its rows 2";
  }
  SUBCASE("an ending") {
    damage = "DELETE FROM endings";
    finding = "job 1 counts 2 ended tasks, its rows 0";
  }
  SUBCASE("results gone") {
    damage = "DELETE FROM results";
    finding = "job 1 has 0 results";
  }
  SUBCASE("a chunk gone") {
    damage = "DELETE FROM chunks";
    finding = "tasks of job 1 from 0 on are missing";
  }
  SUBCASE("a payload of nobody") {
    damage = "INSERT INTO payloads(head, blob) VALUES(x'', x'')";
    finding = "1 payloads belong to no row";
  }
  execute(directory.path() / "stint.db", damage);
  const std::string found = findings(directory.path());
  CAPTURE(found);
  CHECK(names(found, finding));
}

TEST_CASE("a store that is served, or none at all, is refused") {
  const TempDirectory directory;
  CHECK(names(refused(directory.path()), "stint.db is not there"));
  const Driver store({.directory = directory.path()});
  CHECK(names(refused(directory.path()), "in use by process"));
}

}  // namespace stint::broker
