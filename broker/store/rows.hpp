// What rows of the store hold: messages as they are on the wire, head and blob in two columns. So there is one
// serialisation, and the codec's checks look at everything that comes back from a disk.
//
//   const Packed packed = pack_tasks(job, first, batch);
//   put.run(value(job), first, packed.head, packed.blob.view());
//
// An unpack_ function gives nothing where the bytes are not what was packed. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/changes.hpp"

namespace stint::broker {

struct Packed {
  std::string head;
  Blob blob;
};

// Tasks from `first` on: a SUBMIT.
Packed pack_tasks(JobId job, Index first, const Batch& tasks);
std::optional<Batch> unpack_tasks(std::string_view head, Blob blob, JobId job, Index first);
Batch joined(const std::vector<Batch>& parts);  // all of them as one batch

// Results of one or several workers, positions without a gap: JOB_RESULTS, each head behind its size and the size of
// its blob.
void pack_results(const JobResults& results, std::string& heads);
std::optional<std::vector<JobResults>> unpack_results(std::string_view heads, const Blob& blob, JobId job,
                                                      std::uint64_t position);

std::string pack_options(const JobOptions& options);  // an OPEN
std::optional<JobOptions> unpack_options(std::string_view head);

std::string pack_runs(const std::vector<Run>& runs);  // a RELEASE
std::optional<std::vector<Run>> unpack_runs(std::string_view head);

std::string pack_done(const Done& done);  // a DONE
std::optional<Done> unpack_done(std::string_view head);

}  // namespace stint::broker
