#include "worker/runtime/work.hpp"

namespace stint::worker {
namespace {

bool names(const std::vector<Run>& runs, Index index) {
  return std::any_of(runs.begin(), runs.end(), [index](const Run& run) { return run.contains(index); });
}

}  // namespace

Parcel::Parcel(RunTasks tasks, std::shared_ptr<const Handler> handler)
    : tasks_(std::move(tasks)), handler_(std::move(handler)), bytes_(tasks_.tasks.blob.view()) {
  if (tasks_.tasks.sizes.is_uniform()) return;
  offsets_.reserve(count());
  for (BatchCursor at(tasks_.tasks); !at.done(); at.next()) offsets_.push_back(at.offset());
}

TaskInfo Parcel::info(std::uint32_t position) const {
  const Sizes& sizes = tasks_.tasks.sizes;
  const std::uint32_t size = sizes.at(position);
  const std::size_t offset = offsets_.empty() ? std::size_t{position} * size : offsets_[position];
  return {.payload = bytes_.substr(offset, size),
          .kind = job().kind,
          .job_name = job().name,
          .context = job().context,
          .job = job().job,
          .index = index(position),
          .attempt = tasks_.attempt,
          .token = tasks_.lease};
}

void Parcel::recall(const std::vector<Run>& runs) {
  const std::lock_guard lock(mutex_);
  if (runs.empty()) {
    recalled_ = {Run{0, UINT64_MAX}};
  } else {
    recalled_.insert(recalled_.end(), runs.begin(), runs.end());
  }
  any_recalled_ = true;
}

bool Parcel::is_recalled(Index index) const {
  if (!any_recalled_) return false;
  const std::lock_guard lock(mutex_);
  return names(recalled_, index);
}

}  // namespace stint::worker
