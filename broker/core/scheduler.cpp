#include "broker/core/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace stint::broker {
namespace {

Turn turn_of(Job& job) { return {-std::int64_t{job.priority}, job.slots_in_use, job.last_served, &job}; }

WorkerClass::Line* line_of(WorkerClass& group, Room room) {
  switch (room) {
    case Room::none: return nullptr;
    case Room::free: return &group.free;
    case Room::prefetch: return &group.prefetch;
    case Room::guests: return &group.guests;
  }
  return nullptr;
}

}  // namespace

KindQueue& Scheduler::kind(const std::string& name) {
  auto& kind = kinds_[name];
  if (!kind) kind = std::make_unique<KindQueue>(KindQueue{name, {}, {}, 0, 0});
  return *kind;
}

WorkerClass& Scheduler::class_of(const std::vector<std::string>& kinds) {
  auto& group = classes_[kinds];
  if (!group) {
    group = std::make_unique<WorkerClass>();
    for (const std::string& name : kinds) {
      group->kinds.push_back(&kind(name));
      group->kinds.back()->classes.push_back(group.get());
    }
  }
  return *group;
}

void Scheduler::forget_if_unused(KindQueue& kind) {
  if (kind.jobs == 0 && kind.classes.empty()) kinds_.erase(std::string(kind.kind));
}

void Scheduler::enlist(Job& job) {
  job.kind = &kind(job.options.kind);
  ++job.kind->jobs;
}

void Scheduler::dismiss(Job& job) {
  set_ready(job, false);
  --job.kind->jobs;
  forget_if_unused(*std::exchange(job.kind, nullptr));
}

void Scheduler::join(Worker& worker) {
  worker.group = &class_of(worker.kinds);
  ++worker.group->members;
  for (KindQueue* kind : worker.group->kinds) ++kind->workers;
}

void Scheduler::leave(Worker& worker) {
  set_room(worker, Room::none);
  WorkerClass& group = *std::exchange(worker.group, nullptr);
  for (KindQueue* kind : group.kinds) --kind->workers;
  if (--group.members > 0) return;
  for (KindQueue* kind : group.kinds) {
    std::erase(kind->classes, &group);
    forget_if_unused(*kind);
  }
  classes_.erase(worker.kinds);
}

void Scheduler::set_room(Worker& worker, Room room) {
  if (worker.group == nullptr) return;
  if (auto* line = line_of(*worker.group, worker.room)) line->erase({worker.place, worker.incarnation});
  worker.room = room;
  worker.place = worker.served;
  if (auto* line = line_of(*worker.group, room)) line->emplace(std::pair(worker.place, worker.incarnation), &worker);
}

void Scheduler::set_ready(Job& job, bool ready) {
  const Turn turn = turn_of(job);
  if (job.turn) {
    const bool stands = ready && !(*job.turn < turn) && !(turn < *job.turn);
    if (stands) return;
    job.kind->ready.erase(*job.turn);
    job.turn.reset();
  }
  if (!ready) return;
  job.kind->ready.insert(turn);
  job.turn = std::make_unique<Turn>(turn);
}

std::vector<Job*> Scheduler::next_jobs(const Worker& worker, std::size_t most) const {
  std::vector<Turn> turns;
  if (worker.group == nullptr) return {};
  for (const KindQueue* kind : worker.group->kinds) {
    std::size_t taken = 0;
    for (auto at = kind->ready.begin(); at != kind->ready.end() && taken < most; ++at, ++taken) turns.push_back(*at);
  }
  std::sort(turns.begin(), turns.end());
  std::vector<Job*> jobs;
  for (std::size_t i = 0; i < turns.size() && i < most; ++i) jobs.push_back(turns[i].job);
  return jobs;
}

Worker* Scheduler::longest_idle(const KindQueue& kind) const {
  const WorkerClass::Line::value_type* best = nullptr;
  for (const WorkerClass* group : kind.classes) {
    if (!group->free.empty() && (best == nullptr || group->free.begin()->first < best->first)) best = &*group->free.begin();
  }
  return best == nullptr ? nullptr : best->second;
}

Worker* Scheduler::empty_handed(const KindQueue& kind) const {
  for (const WorkerClass* group : kind.classes) {
    for (const auto& [served, worker] : group->free) {
      if (worker->held == 0) return worker;
    }
  }
  return nullptr;
}

std::vector<Worker*> Scheduler::with_room(const KindQueue& kind, Room room, std::size_t most) const {
  std::vector<Worker*> workers;
  for (WorkerClass* group : kind.classes) {
    const auto& line = *line_of(*group, room);
    std::size_t taken = 0;
    for (auto at = line.begin(); at != line.end() && taken < most; ++at, ++taken) workers.push_back(at->second);
  }
  return workers;
}

}  // namespace stint::broker
