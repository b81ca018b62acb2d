#!/usr/bin/env python3
"""Plants known bugs in a copy of the sources, one at a time, and looks whether the simulator finds each.

    tests/sim/planted_bugs.py [--seeds N] [--directory DIR] [NAME...]

A checker that cannot fail proves nothing. Each bug is one replaced line in a core; the sources themselves are not touched, and
hold no switch for it. It takes a few minutes, since every bug is compiled: it is run by hand, and whenever the checker changes.
Exit code 0: all were found.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# name, file, what stands there, what is put in its place
BUGS = [
    ("no fence: a result of a lease that was lost still counts", "broker/core/on_results.cpp",
     "  return rest.take();\n}\n\n}  // namespace", "  return outcomes;\n}\n\n}  // namespace"),
    ("a lost task is not queued again", "broker/core/on_release.cpp",
     "      job.tasks.make_ready(index, next_step(lease.suspicion()));\n", ""),
    ("a released task is not counted back", "broker/core/on_release.cpp",
     "  move(*job, TaskState::running, TaskState::queued, run.count);\n", ""),
    ("an end is counted twice", "broker/core/on_results.cpp",
     "  move(job, TaskState::running, TaskState::failed, failed);\n",
     "  move(job, TaskState::running, TaskState::failed, failed);\n  when_committed(CountsMoved{job.id, std::nullopt, TaskState::done, 1});\n"),
    ("the end is told twice", "broker/core/jobs.cpp",
     "  ended_.push_back(job.id);\n", "  ended_.push_back(job.id);\n  tell(job, \"ended\");\n"),
    ("the start is told again and again", "broker/core/jobs.cpp", "    job->told.started = true;\n", ""),
    ("a gap in the numbers is ignored", "common/session/gate.cpp",
     "  return ahead == 0 || ahead > 0x8000'0000U ? Verdict::duplicate : Verdict::gap;",
     "  if (ahead != 0 && ahead <= 0x8000'0000U) last_received_ = seq;\n"
     "  return ahead == 0 || ahead > 0x8000'0000U ? Verdict::duplicate : Verdict::pass;"),
    ("a doubled message passes", "common/session/gate.cpp", "Verdict::duplicate : Verdict::gap", "Verdict::pass : Verdict::gap"),
    ("results are acknowledged before the commit", "broker/core/on_results.cpp",
     "  when_committed(WorkerAnswered{worker.incarnation, worker.session(), current_seq_});\n",
     "  apply(WorkerAnswered{worker.incarnation, worker.session(), current_seq_});\n"),
    ("tasks are accepted before the commit", "broker/core/on_submit.cpp",
     "  when_committed(TasksAccepted{job.id, tasks.count(), tasks.blob.size(), job.digest, now});\n  job.tasks.append(tasks);\n",
     "  job.tasks.append(tasks);\n  apply(TasksAccepted{job.id, tasks.count(), tasks.blob.size(), job.digest, now});\n"),
    ("a state is told that is not committed", "broker/core/tell.cpp", "      if (job->told.opened) events_", "      events_"),
    ("innocent neighbours are charged with a loss", "broker/core/on_release.cpp",
     "lease.suspicion() == Suspicion::alone && task.losses", "task.losses"),
    ("suspects are handed out ahead of free slots", "broker/core/dispatch.cpp",
     "Suspicion::one_per_slot, worker.free_slots()) > 0", "Suspicion::one_per_slot, worker.free_slots() + 1) > 0"),
    ("what must be alone is not", "broker/core/dispatch.cpp", "    if (worker.held == 0) return grant_alone", "    if (true) return grant_alone"),
    ("peers expire in the broker's own stall", "broker/core/peers.cpp", "is_gone(drained_)", "is_gone(now_)"),
    ("what a returning worker keeps is given to others too", "broker/core/on_hello.cpp",
     "      job->tasks.lease(index);\n", ""),
    ("what a greeting worker does not name is left to it", "broker/core/on_hello.cpp",
     "  for (const Run& run : unnamed.take()) take_back(lease, run);\n", ""),
    ("a lost worker keeps its leases", "broker/core/on_hello.cpp",
     "    if (!named.contains(id)) give_back(*leases_.at(id));\n", ""),
    ("a repeated greeting is reconciled again", "broker/core/on_hello.cpp",
     "    if (hello.hello_no == peer.hello_no) {", "    if (false) {"),
    ("max_attempts is ignored", "broker/core/on_results.cpp", "  if (failures >= job.options.max_attempts) return false;\n", ""),
    ("a paused job goes on", "broker/core/dispatch.cpp", "  const bool go = may_go(job);\n", "  const bool go = !job.cancelled && !job.ended;\n"),
    ("cancelling leaves the leases alone", "broker/core/jobs.cpp", "    lease.revoked = true;\n", ""),
    ("a repeated command is done again", "broker/core/on_command.cpp", "  if (known != answers_.end()) return", "  if (false) return"),
    ("a reader's position is taken for the tasks' end", "broker/core/result_log.cpp",
     "  if (run.position > position && !complete) return std::nullopt;\n", ""),
    ("results are trimmed before they are acknowledged", "broker/core/on_attach.cpp",
     "consume(*job, std::min(ack.upto, reader->next))", "consume(*job, reader->next)"),
    ("the windows of the two sides differ", "broker/core/on_submit.cpp",
     "return received + tasks.count() <= job.window.limit_tasks", "return received + tasks.count() < job.window.limit_tasks - 131'000"),
    ("the worker forgets results when the connection is lost", "worker/core/session.cpp",
     "  was_in_session_ = false;\n  results_.unsend();\n", "  was_in_session_ = false;\n  results_.clear();\n"),
    ("the worker forgets one result too many", "worker/core/unacknowledged.cpp",
     "upto - entries_.front().seq < 0x8000'0000U", "upto + 1 - entries_.front().seq < 0x8000'0000U"),
    ("the worker does not send results again", "worker/core/session.cpp",
     "  for (Unacknowledged::Entry& entry : results_.entries()) send_results(now, entry, out);\n", ""),
    ("the worker keeps what it was told to drop", "worker/core/session.cpp",
     "  for (const Drop& dropped : welcome.drop) drop(now, dropped, out);\n", ""),
    ("the client takes results twice", "common/client/session_reader.cpp",
     "position(results.outcomes, results.position, old) < received_) ++old;", "false) ++old;"),
    ("the client does not attach again", "common/client/session.cpp",
     "  if (job.id != JobId{} && job.reader.active() && !job.reader.settled()) send_attach(now, job, out);\n", ""),
    ("the client goes on where it was, not where the broker is", "common/client/session_writer.cpp",
     "  sent_pieces_ = 0;\n  sent_tasks_ = 0;\n  sent_bytes_ = 0;\n  close_sent_ = false;\n", ""),
    ("the client gives a repeated command a new number", "common/client/session.cpp",
     "  for (const auto& [request, command] : commands_) send(now, command, out);\n",
     "  for (auto [request, command] : commands_) command.req = RequestId{value(request) + 1'000'000}, send(now, command, out);\n"),
]


def copy_sources(directory):
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, names):
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, target)


def build(directory):
    return subprocess.run(["ninja", "-C", directory / "build/release", "stint-sim"], capture_output=True, text=True)


def search(directory, seeds):
    program = directory / "build/release/tests/stint-sim"
    found = subprocess.run([program, "--seeds", f"1..{seeds}", "--until-failure"], capture_output=True, text=True)
    if found.returncode == 0:
        return None
    lines = found.stdout.split("\n")
    first = next(i for i, line in enumerate(lines) if line.startswith("FAILED"))
    seed = lines[first].split(":")[0].removeprefix("FAILED seed ")
    why = lines[first + 1].strip()
    broken = [line for line in found.stderr.split("\n") if "does not hold" in line]
    if broken:
        why = broken[0].split("report it: ")[-1].split(" (/")[0]
    return seed, why[:110]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--directory", default=str(ROOT / "build/planted"))
    parser.add_argument("names", nargs="*", help="parts of the names of bugs; all if none is given")
    arguments = parser.parse_args()
    directory = pathlib.Path(arguments.directory).resolve()
    copy_sources(directory)
    subprocess.run(["cmake", "--preset", "release", "-DSTINT_WERROR=OFF"], cwd=directory, check=True, capture_output=True)
    unfound = 0
    for name, path, before, after in BUGS:
        if arguments.names and not any(part in name for part in arguments.names):
            continue
        original = (ROOT / path).read_text()
        if original.count(before) != 1:
            sys.exit(f"{path} has changed: '{before}' stands there {original.count(before)} times. Plant '{name}' anew.")
        (directory / path).write_text(original.replace(before, after))
        built = build(directory)
        if built.returncode != 0:
            sys.exit(f"'{name}' does not compile:\n{built.stdout[-2000:]}")
        found = search(directory, arguments.seeds)
        unfound += found is None
        print(f"| {name} | {'NOT FOUND' if found is None else f'{found[0]} | {found[1]}'} |", flush=True)
        (directory / path).write_text(original)
    return 1 if unfound else 0


if __name__ == "__main__":
    sys.exit(main())
