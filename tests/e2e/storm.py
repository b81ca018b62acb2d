"""What a storm of kills is played with: jobs under load, the clients and workers that are killed, and what comes of it.

Whoever is killed is replaced at once by a new process that does the same: a worker of the same kind and slots, a client with the same
command line. Each result names its task, so that what was lost or came twice is known by its index.
"""
import collections
import contextlib
import json
import os
import select
import signal

from farm import BIN, DEADLINE

UNREACHABLE = 4  # what `stint` exits with when no broker answers
SLOTS = {"obey": (1, 2, 4), "command": (1, 2)}  # a worker for each number
# The same two lines as obey writes, by a command; the process that they name is the worker's.
COMMAND = ("sh", "-c", 'echo "begin $PPID 0 $STINT_JOB $STINT_INDEX" >>"$OBEY_LOG"; printf %s "$1"', "sh", "{}")


class Figures(collections.Counter):
    """What happened, and what must not have. Of the first few of those it is remembered which."""

    WRONG = {
        "lost": "lost",
        "counted_twice": "counted twice",
        "delivered_twice": "results delivered twice to a client that acknowledges",
        "run_twice": "tasks run twice although their worker lived",
        "told_twice": "starts and ends of jobs told twice",
        "other": "anything else that went wrong",
    }
    KEPT = 20

    def __init__(self):
        super().__init__()
        self.details = []

    def wrong(self, what, detail, count=1):
        self[what] += count
        if len(self.details) < self.KEPT:
            self.details.append(f"{self.WRONG[what]}: {detail}")

    def is_well(self):
        return not any(self[what] for what in self.WRONG)


class Begun:
    """Follows the log in which each worker notes what it begins, and finds tasks that are begun again though nobody was killed.

    The start of each worker and its killing are noted there too. A command may note its beginning just when its worker dies.
    """

    def __init__(self, path, figures):
        self.file = open(path, "rb")
        self.note = open(path, "ab", buffering=0)
        self.figures = figures
        self.part = b""
        self.born = collections.Counter()  # how often each process id was, as they are used again
        self.alive = set()                 # of (process id, how often it was born)
        self.last = {}                     # (job, index) -> who began it last

    def was_born(self, worker):
        self.note.write(b"born %d\n" % worker.pid)

    def will_be_killed(self, worker):
        self.note.write(b"killed %d\n" % worker.pid)

    def take_in(self):
        *lines, self.part = (self.part + self.file.read()).split(b"\n")
        for line in lines:
            what, process, *rest = line.split()
            if what == b"born":
                self.born[process] += 1
                self.alive.add((process, self.born[process]))
            elif what == b"killed":
                self.alive.discard((process, self.born[process]))
            elif what == b"begin":
                self.begun((process, self.born[process]), (int(rest[1]), int(rest[2])))

    def begun(self, worker, task):
        before = self.last.get(task)
        if before in self.alive:
            self.figures.wrong("run_twice", f"task {task[1]} of job {task[0]}, by process {before[0].decode()} and by {worker[0].decode()}")
        self.figures["runs"] += 1
        self.last[task] = worker

    def close(self):
        self.file.close()
        self.note.close()


class Workers:
    def __init__(self, farm, dice, begun):
        self.farm, self.dice, self.begun = farm, dice, begun
        self.environment = {**os.environ, "OBEY_LOG": begun.note.name}
        self.staff = [(kind, slots, self.start(kind, slots)) for kind, all_slots in SLOTS.items() for slots in all_slots]

    def start(self, kind, slots):
        program, command = ("obey", ()) if kind == "obey" else ("stint-worker", ("--kind", kind, "--", *COMMAND))
        worker = self.farm.worker(program, "--slots", str(slots), *command, env=self.environment)
        self.begun.was_born(worker)
        return worker

    def kill(self):
        at = self.dice.randrange(len(self.staff))
        kind, slots, victim = self.staff[at]
        if victim.poll() is not None:
            self.begun.figures.wrong("other", f"a worker of kind {kind} ended by itself with {victim.returncode}: {victim.said()[-500:]}")
        self.begun.will_be_killed(victim)
        victim.end(signal.SIGKILL)
        self.farm.dismiss(victim)
        self.staff[at] = kind, slots, self.start(kind, slots)


class Round:
    """A job of random size, its input in a file, and all that its readers wrote."""

    def __init__(self, farm, dice, key, kind):
        self.farm, self.key = farm, key
        count = dice.randint(200, 2_000) // (1 if kind == "obey" else 4)
        self.tasks = [f"take {dice.choice((0, 0, 1, 2, 5, 10))} {key} {i} {'x' * dice.choice((0, 0, 10, 100, 2_000))}"
                      for i in range(count)]
        self.path = os.path.join(farm.directory, f"{key}.tasks")
        with open(self.path, "w") as file:
            file.write("".join(f"{task}\n" for task in self.tasks))
        self.outputs = []

    @contextlib.contextmanager
    def next_output(self):
        """The file that the next reader writes."""
        self.outputs.append(os.path.join(self.farm.directory, f"{self.key}.{len(self.outputs)}"))
        with open(self.outputs[-1], "wb") as file:
            yield file

    def results(self, path):
        """Rows of one reader; the last line of one that was killed may be torn."""
        with open(path, "rb") as file:
            *lines, _ = file.read().split(b"\n")
        return [json.loads(line) for line in lines]

    def indices(self, path, figures):
        """Of the results that one reader has written, in their order."""
        found = []
        for row in self.results(path):
            found.append(row["index"])
            if row["state"] != "done" or row.get("result") != self.tasks[row["index"]]:
                figures.wrong("other", f"{self.key}: task {row['index']} gave {row}"[:500])
        doubled = len(found) - len(set(found))
        if doubled:
            figures.wrong("delivered_twice", f"{self.key}: {doubled} within {path}", doubled)
        return found

    def expect(self, indices, figures):
        """All tasks are among these, and the broker has counted each of them once."""
        missing = set(range(len(self.tasks))) - set(indices)
        if missing:
            figures.wrong("lost", f"{self.key}: no result of {sorted(missing)[:5]}", len(missing))
        job, count = self.farm.job(self.key), len(self.tasks)
        if (job["total"], job["done"]) != (count, count) or job["failed"] or job["cancelled"] or job["left"]:
            more = max(job["total"], job["done"] + job["failed"] + job["cancelled"]) - count
            figures.wrong("counted_twice" if more > 0 else "lost", f"{self.key} of {count} tasks: {job}", abs(more) or 1)
        figures["accepted"] += job["total"]
        figures["redone"] += job["redone"]
        figures["jobs"] += 1

    def remove_files(self):
        for path in (self.path, *self.outputs):
            os.unlink(path)


class Client:
    """A process that may be killed, and is then started again."""

    def __init__(self, farm, figures, start):
        self.farm, self.figures, self.start = farm, figures, start
        self.process = start()

    def is_running(self):
        return self.process is not None

    def has_ended(self):
        """One whose greetings all met a broker that was just being killed is run again, as it says."""
        if self.process is not None and self.process.poll() == UNREACHABLE:
            self.figures["unanswered"] += 1
            self.farm.dismiss(self.process)
            self.process = self.start()
        return self.process is not None and self.process.poll() is not None

    def finish(self):
        """It has ended by itself: returns its exit code and what it said."""
        code, said = self.process.returncode, self.process.said()
        self.farm.dismiss(self.process)
        self.process = None
        return code, said

    def kill(self):
        """False when it had ended by itself; then it is left to be looked at."""
        if self.process.end(signal.SIGKILL) != -signal.SIGKILL:
            return False
        self.farm.dismiss(self.process)
        self.process = self.start()
        return True


class Stream:
    """One job after the other: `submit --key K --results`, run again under the same key when it was killed."""

    def __init__(self, farm, dice, figures, name, *options):
        self.farm, self.dice, self.figures, self.name, self.options = farm, dice, figures, name, options
        self.number = 0
        self.begin()

    def begin(self):
        self.number += 1
        self.round = Round(self.farm, self.dice, f"{self.name}-{self.number}", "obey")
        self.clients = [Client(self.farm, self.figures, self.start)]

    def start(self):
        with self.round.next_output() as output:
            return self.farm.start_stint("submit", "--kind", "obey", "--key", self.round.key, "--max-losses", "1000000", "--results",
                                         "--json", "--quiet", *self.options, self.round.path, stdout=output)

    def tend(self):
        """True when its job is over."""
        client = self.clients[0]
        if not client.has_ended():
            return not client.is_running()
        code, said = client.finish()
        if code != 0:
            self.figures.wrong("other", f"{self.round.key}: its submitter ended with {code}: {said[-500:]}")
        runs = [self.round.indices(path, self.figures) for path in self.round.outputs]
        self.round.expect([index for run in runs for index in run], self.figures)
        self.figures["unacknowledged"] += sum(map(len, runs)) - len(set().union(*runs))
        self.round.remove_files()
        return True


class Kept:
    """One job after the other: `submit --key K --wait`, and beside it `results K --follow`, which begins anew when it was killed."""

    def __init__(self, farm, dice, figures, name, kind):
        self.farm, self.dice, self.figures, self.name, self.kind = farm, dice, figures, name, kind
        self.number = 0
        self.begin()

    def begin(self):
        self.number += 1
        self.round = Round(self.farm, self.dice, f"{self.name}-{self.number}", self.kind)
        self.clients = [Client(self.farm, self.figures, self.submit)]
        self.clients.append(Client(self.farm, self.figures, self.read))

    def submit(self):
        return self.farm.start_stint("submit", "--kind", self.kind, "--key", self.round.key, "--max-losses", "1000000", "--wait", "--quiet",
                                     self.round.path)

    def read(self):
        self.may_be_early = self.clients[0].is_running()
        order = self.dice.choice(((), ("-k",)))
        with self.round.next_output() as output:
            return self.farm.start_stint("results", self.round.key, "--follow", "--json", "--quiet", *order, stdout=output)

    def tend(self):
        submitter, reader = self.clients
        if reader.has_ended():
            code, said = reader.finish()
            if code == 6 and "no job has" in said and self.may_be_early:
                reader.process = self.read()  # it asked before the job was opened
            elif code != 0:
                self.figures.wrong("other", f"{self.round.key}: its reader ended with {code}: {said[-500:]}")
        if submitter.has_ended():
            code, said = submitter.finish()
            if code != 0:
                self.figures.wrong("other", f"{self.round.key}: its submitter ended with {code}: {said[-500:]}")
        if submitter.is_running() or reader.is_running():
            return False
        *killed, whole = self.round.outputs
        for path in killed:
            self.round.indices(path, self.figures)
        self.round.expect(self.round.indices(whole, self.figures), self.figures)
        self.round.remove_files()
        self.farm.stint("forget", self.round.key)
        return True


class Load:
    """All jobs that are under way at a time."""

    def __init__(self, farm, dice, figures):
        self.dice, self.figures = dice, figures
        self.sources = [Stream(farm, dice, figures, "ordered", "-k"), Stream(farm, dice, figures, "stream"),
                        Kept(farm, dice, figures, "kept", "obey"), Kept(farm, dice, figures, "command", "command")]

    def clients(self):
        return [client for source in self.sources for client in source.clients if client.is_running()]

    def kill(self):
        """One of them, at random. False when all had just ended by themselves."""
        clients = self.clients()
        self.dice.shuffle(clients)
        return any(client.kill() for client in clients)

    def await_end(self, seconds):
        """Waits until a client has ended, so long at the most. False when none has."""
        if any(client.has_ended() for client in self.clients()):
            return True
        watched = [os.pidfd_open(client.process.pid) for client in self.clients()]  # ended or not, nobody else waits for them
        try:
            return bool(select.select(watched, [], [], max(0, seconds))[0])
        finally:
            for each in watched:
                os.close(each)

    def tend(self):
        """A job that is over is looked at, and followed by the next."""
        for source in self.sources:
            if source.tend():
                source.begin()

    def come_to_an_end(self):
        """Lets what is under way end."""
        pending = list(self.sources)
        while True:
            pending = [source for source in pending if not source.tend()]
            if not pending:
                return
            if not self.await_end(6 * DEADLINE):
                for source in pending:
                    self.figures.wrong("other", f"{source.round.key} does not end: {source.farm.job(source.round.key)}")
                return


def check_what_was_told(rows, figures):
    """Each job's start and end were told at most once by a watcher that was there all the time, and its counts never fell."""
    told, counts = collections.Counter(), {}
    for row in rows:
        if not row.get("topic", "").startswith("job."):
            continue
        if row["event"] in ("opened", "started", "ended"):
            told[row["job"], row["event"]] += 1
        now = row["total"], row["done"]
        if any(new < old for new, old in zip(now, counts.get(row["job"], now))):
            figures.wrong("other", f"job {row['job']} had {counts[row['job']]} tasks and done, and then {now}")
        counts[row["job"]] = now
    for (job, event), times in told.items():
        if times > 1:
            figures.wrong("told_twice", f"{event} of job {job}, {times} times", times - 1)


def start_watcher(farm):
    """zmq-sub for the whole time; its output is a file in the farm's directory."""
    path = os.path.join(farm.directory, "events")
    with open(path, "wb") as output:
        return farm.start(f"{BIN}/zmq-sub", "--connect", farm.events, "--topic", "job.", "--json", stdout=output), path
