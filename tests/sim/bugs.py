"""The bugs that planted_bugs.py plants: each one piece of text of a core, replaced by another.

A name says what goes wrong, in words of the design; a promise, what is broken by it. A bug belongs here when it could be
written by mistake; one that the compiler or the first run would show proves nothing.
"""

import typing


class Bug(typing.NamedTuple):
    name: str
    promise: str
    path: str
    before: str
    after: str


BUGS = [
    Bug("no fence: a result of a lease that was lost still counts", "counted once",
        "broker/core/on_results.cpp",
        "  return rest.take();\n"
        "}\n"
        "\n"
        "}  // namespace",
        "  return outcomes;\n"
        "}\n"
        "\n"
        "}  // namespace"),
    Bug("a lost task is not queued again", "run at least once",
        "broker/core/on_release.cpp",
        "      job.tasks.make_ready(index, next_step(lease.suspicion()));\n",
        ""),
    Bug("a released task is not counted back", "exact totals",
        "broker/core/on_release.cpp",
        "  move(*job, TaskState::running, TaskState::queued, run.count);\n",
        ""),
    Bug("an end is counted twice", "exact totals",
        "broker/core/on_results.cpp",
        "  move(job, TaskState::running, TaskState::failed, failed);\n",
        "  move(job, TaskState::running, TaskState::failed, failed);\n"
        "  when_committed(CountsMoved{job.id, std::nullopt, TaskState::done, 1});\n"),
    Bug("the end is told twice", "one start, one end",
        "broker/core/jobs.cpp",
        "  ended_.push_back(job.id);\n",
        "  ended_.push_back(job.id);\n"
        "  tell(job, \"ended\");\n"),
    Bug("the start is told again and again", "one start, one end",
        "broker/core/jobs.cpp",
        "    job->told.started = true;\n",
        ""),
    Bug("a gap in the numbers is ignored", "each message once, in order",
        "common/session/gate.cpp",
        "  return ahead == 0 || ahead > 0x8000'0000U ? Verdict::duplicate : Verdict::gap;",
        "  if (ahead != 0 && ahead <= 0x8000'0000U) last_received_ = seq;\n"
        "  return ahead == 0 || ahead > 0x8000'0000U ? Verdict::duplicate : Verdict::pass;"),
    Bug("a doubled message passes", "each message once, in order",
        "common/session/gate.cpp",
        "Verdict::duplicate : Verdict::gap",
        "Verdict::pass : Verdict::gap"),
    Bug("results are acknowledged before the commit", "accepted means kept",
        "broker/core/on_results.cpp",
        "  when_committed(WorkerAnswered{worker.incarnation, worker.session(), current_seq_});\n",
        "  apply(WorkerAnswered{worker.incarnation, worker.session(), current_seq_});\n"),
    Bug("tasks are accepted before the commit", "accepted means kept",
        "broker/core/on_submit.cpp",
        "  when_committed(TasksAccepted{job.id, tasks.count(), tasks.blob.size(), job.digest, now});\n"
        "  job.tasks.append(tasks);\n",
        "  job.tasks.append(tasks);\n"
        "  apply(TasksAccepted{job.id, tasks.count(), tasks.blob.size(), job.digest, now});\n"),
    Bug("a state is told that is not committed", "nothing is told before the commit",
        "broker/core/tell.cpp",
        "      if (job->told.opened) events_",
        "      events_"),
    Bug("innocent neighbours are charged with a loss", "a loss charges nobody at first",
        "broker/core/on_release.cpp",
        "lease.suspicion() == Suspicion::alone && task.losses",
        "task.losses"),
    Bug("suspects are handed out ahead of free slots", "suspects one per slot",
        "broker/core/dispatch.cpp",
        "Suspicion::one_per_slot, worker.free_slots()) > 0",
        "Suspicion::one_per_slot, worker.free_slots() + 1) > 0"),
    Bug("what must be alone is not", "suspects alone",
        "broker/core/dispatch.cpp",
        "    if (worker.held == 0) return grant_alone",
        "    if (true) return grant_alone"),
    Bug("peers expire in the broker's own stall", "the broker's stall is nobody's fault",
        "broker/core/peers.cpp",
        "is_gone(drained_)",
        "is_gone(now_)"),
    Bug("what a returning worker keeps is given to others too", "run again only when lost",
        "broker/core/on_hello.cpp",
        "      job->tasks.lease(index);\n",
        ""),
    Bug("what a greeting worker does not name is left to it", "leases reconciled",
        "broker/core/on_hello.cpp",
        "  for (const Run& run : unnamed.take()) take_back(lease, run);\n",
        ""),
    Bug("a lost worker keeps its leases", "leases reconciled",
        "broker/core/on_hello.cpp",
        "    if (!named.contains(id)) give_back(*leases_.at(id));\n",
        ""),
    Bug("a repeated greeting is reconciled again", "the same HELLO reconciles nothing",
        "broker/core/on_hello.cpp",
        "    if (hello.hello_no == peer.hello_no) {",
        "    if (false) {"),
    Bug("max_attempts is ignored", "budgets are kept",
        "broker/core/on_results.cpp",
        "  if (failures >= job.options.max_attempts) return false;\n",
        ""),
    Bug("a paused job goes on", "paused means paused",
        "broker/core/dispatch.cpp",
        "  const bool go = may_go(job);\n",
        "  const bool go = !job.cancelled && !job.ended;\n"),
    Bug("cancelling leaves the leases alone", "counted once",
        "broker/core/jobs.cpp",
        "    lease.revoked = true;\n",
        ""),
    Bug("a repeated command is done again", "a command is done once",
        "broker/core/on_command.cpp",
        "  if (known != answers_.end()) return",
        "  if (false) return"),
    Bug("a reader's position is taken for the tasks' end", "order",
        "broker/core/result_log.cpp",
        "  if (run.position > position && !complete) return std::nullopt;\n",
        ""),
    Bug("results are trimmed before they are acknowledged", "nothing accepted is lost",
        "broker/core/on_attach.cpp",
        "consume(*job, std::min(ack.upto, reader->next))",
        "consume(*job, reader->next)"),
    Bug("the windows of the two sides differ", "windows are absolute",
        "broker/core/on_submit.cpp",
        "return received + tasks.count() <= job.window.limit_tasks",
        "return received + tasks.count() < job.window.limit_tasks - 131'000"),
    Bug("the worker forgets results when the connection is lost", "nothing accepted is lost",
        "worker/core/session.cpp",
        "  was_in_session_ = false;\n"
        "  results_.unsend();\n",
        "  was_in_session_ = false;\n"
        "  results_.clear();\n"),
    Bug("the worker forgets one result too many", "nothing accepted is lost",
        "worker/core/unacknowledged.cpp",
        "upto - entries_.front().seq < 0x8000'0000U",
        "upto + 1 - entries_.front().seq < 0x8000'0000U"),
    Bug("the worker does not send results again", "nothing accepted is lost",
        "worker/core/session.cpp",
        "  for (Unacknowledged::Entry& entry : results_.entries()) send_results(now, entry, out);\n",
        ""),
    Bug("the worker keeps what it was told to drop", "leases reconciled",
        "worker/core/session.cpp",
        "  for (const Drop& dropped : welcome.drop) drop(now, dropped, out);\n",
        ""),
    Bug("the client takes results twice", "each result once",
        "common/client/session_reader.cpp",
        "position(results.outcomes, results.position, old) < received_) ++old;",
        "false) ++old;"),
    Bug("the client does not attach again", "each result once",
        "common/client/session.cpp",
        "  if (job.id != JobId{} && job.reader.active() && !job.reader.settled()) send_attach(now, job, out);\n",
        ""),
    Bug("the client goes on where it was, not where the broker is", "accepted means kept",
        "common/client/session_writer.cpp",
        "  sent_pieces_ = 0;\n"
        "  sent_tasks_ = 0;\n"
        "  sent_bytes_ = 0;\n"
        "  close_sent_ = false;\n",
        ""),
    Bug("the client gives a repeated command a new number", "a command is done once",
        "common/client/session.cpp",
        "  for (const auto& [request, command] : commands_) send(now, command, out);\n",
        "  for (auto [request, command] : commands_) command.req = RequestId{value(request) + 1'000'000},"
        " send(now, command, out);\n"),
]
