"""Workers come and go at random the whole time, and the job does not mind. The seed is printed: STINT_SEED repeats the choices."""
import json
import os
import random
import signal
import subprocess
import time
import unittest

from farm import BIN, DEADLINE, SANITIZED, Farm

TASKS = 4_000 if SANITIZED else 20_000
KEPT = 4         # workers at work, when nothing has happened to them yet
LASTS = 300      # seconds at the most
STATES = ("queued", "delayed", "running", "done", "failed", "cancelled")


class Crowd:
    """Workers to whom things happen."""

    def __init__(self, farm, dice):
        self.farm, self.dice = farm, dice
        self.running, self.stopped = [], []
        self.happened = dict(kill=0, stop=0, go_on=0, add=0)
        for _ in range(KEPT):
            self.add()

    def add(self):
        self.running.append(self.farm.worker("obey", "--slots", "4"))

    def kill(self):
        victims = self.running + self.stopped
        victim = self.dice.choice(victims)
        (self.running if victim in self.running else self.stopped).remove(victim)
        victim.end(signal.SIGKILL)

    def stop(self):
        self.stopped.append(self.running.pop(self.dice.randrange(len(self.running))))
        self.stopped[-1].send_signal(signal.SIGSTOP)

    def go_on(self):
        self.running.append(self.stopped.pop(self.dice.randrange(len(self.stopped))))
        self.running[-1].send_signal(signal.SIGCONT)

    def happens(self):
        possible = ["add"] if len(self.running) < KEPT else []
        if self.running:
            possible += ["kill", "stop"]
        if self.stopped:
            possible += ["go_on"]
        what = self.dice.choice(possible)
        getattr(self, what)()
        self.happened[what] += 1


def take_up(farm, dice):
    """Tasks of 1 to 8 ms, as a job whose results are written to a file. Returns the client and the file's path."""
    path = os.path.join(farm.directory, "results")
    tasks = "".join(f"take {dice.randint(1, 8)}\n" for _ in range(TASKS)).encode()
    with open(path, "wb") as results:
        # A chance loss says nothing about the task: with the default of 3 a few would be taken for killers, rightly.
        client = farm.start_stint("submit", "--kind", "obey", "--results", "--json", "-q", "--max-losses", "1000",
                                  stdin=subprocess.PIPE, stdout=results)
    client.stdin.write(tasks)
    client.stdin.close()
    return client, path


class TheWholeTime(unittest.TestCase):
    def test_every_task_is_counted_once_and_watchers_see_one_start_and_one_end(self):
        seed = int(os.environ.get("STINT_SEED", random.SystemRandom().randrange(1 << 32)))
        print(f"seed: STINT_SEED={seed}", flush=True)
        dice = random.Random(seed)
        with Farm() as farm:
            zmq_sub = farm.start(f"{BIN}/zmq-sub", "--connect", farm.events, "--topic", "broker.", "--topic", "job.", "--json",
                                 "--until-end", "1", stdout=subprocess.PIPE)
            while json.loads(zmq_sub.line())["topic"] != "broker.":
                pass
            crowd = Crowd(farm, dice)
            watcher = farm.watch("job.")
            client, path = take_up(farm, dice)
            until = time.monotonic() + LASTS
            while client.poll() is None and time.monotonic() < until:
                at = time.monotonic() + dice.uniform(0.02, 0.2)
                while watcher.next_event(at) is not None and client.poll() is None:
                    pass
                crowd.happens()
            self.assertEqual(client.wait(DEADLINE), 0, client.said())
            job = farm.job("1")
            events = [event for event in map(json.loads, zmq_sub.lines()) if event["topic"] == "job.1."]
            print(f"{crowd.happened}; redone {job['redone']}, losses {job['losses']}", flush=True)
            self.assert_counted_once(job, path)
            self.assert_told_well(events)
            self.assertGreater(min(crowd.happened.values()), 0, "nothing happened")
            if not SANITIZED:  # which leaves time for too few tasks
                self.assertGreater(job["redone"], 0, "whatever happened, it hit no task")
            for worker in crowd.stopped:
                worker.send_signal(signal.SIGCONT)

    def assert_counted_once(self, job, path):
        self.assertEqual((job["total"], job["done"], job["left"], job["failed"], job["cancelled"]), (TASKS, TASKS, 0, 0, 0))
        with open(path) as file:
            indices = [json.loads(line)["index"] for line in file]
        self.assertEqual(len(indices), TASKS)
        self.assertEqual(set(indices), set(range(TASKS)))

    def assert_told_well(self, events):
        names = [event["event"] for event in events]
        self.assertEqual([names.count(name) for name in ("opened", "started", "ended")], [1, 1, 1])
        self.assertEqual((names[0], names[-1]), ("opened", "ended"))
        self.assertEqual((events[-1]["done"], events[-1]["total"], events[-1]["left"]), (TASKS, TASKS, 0))
        for before, after in zip(events, events[1:]):
            self.assertGreater(after["seq"], before["seq"])
            for name in ("total", "done", "failed", "cancelled"):
                self.assertGreaterEqual(after[name], before[name], (before, after))
        for event in events:
            self.assertEqual(event["total"], sum(event[state] for state in STATES), event)


if __name__ == "__main__":
    unittest.main()
