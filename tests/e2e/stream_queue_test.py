"""What an older queue of this kind, the npm package stream-queue, gets wrong; each class is one of its mistakes."""
import contextlib
import os
import signal
import subprocess
import unittest

from farm import DEADLINE, SANITIZED, Farm, numbers
from raw import CLIENT, WORKER, Broker, Peer

TASKS = 2_000 if SANITIZED else 20_000
TEN_YEARS = str(10 * 365 * 86_400)


class ALostWorkersTasks(unittest.TestCase):
    def test_are_done_by_others_and_counted_once(self):
        with Farm() as farm:
            gate = farm.gate()
            doomed = farm.worker("obey", "--name", "doomed")
            watcher = farm.watch("job.", "worker.doomed.")
            lines = gate.task.encode() + b"\n" + numbers(2, TASKS)
            client = farm.start_stint("submit", "--kind", "obey", "--results", "-k", stdin=subprocess.PIPE)
            client.stdin.write(lines)
            client.stdin.close()
            gate.await_task()
            farm.worker("obey", "--name", "other")
            watcher.await_event(lambda event: event.get("done", 0) > 0)  # the other one works too
            doomed.end(signal.SIGKILL)
            gate.open()
            watcher.await_event("lost")
            self.assertEqual(client.stdout.read(), lines)
            self.assertEqual(client.wait(DEADLINE), 0)
            job = farm.job("1")
            self.assertEqual((job["total"], job["done"], job["left"]), (TASKS, TASKS, 0))
            self.assertGreaterEqual(job["redone"], 1)


class Heartbeats(unittest.TestCase):
    def test_are_judged_without_any_message_arriving(self):
        with Farm() as farm:
            worker = farm.worker("echo-worker", "--name", "ada")
            farm.await_worker("ada")
            watcher = farm.watch("worker.")
            worker.send_signal(signal.SIGSTOP)  # from here on nobody says anything to the broker
            self.assertEqual(watcher.await_event("lost")["worker"], "ada")
            worker.send_signal(signal.SIGCONT)
            self.assertEqual(watcher.await_event("joined")["kinds"], ["echo"])

    def test_a_stopped_workers_task_goes_to_others_and_its_late_answer_changes_nothing(self):
        with Farm() as farm:
            gate = farm.gate()
            stopped = farm.worker("obey", "--name", "stopped")
            watcher = farm.watch("job.", "worker.")
            job = farm.submit("--kind", "obey", input=gate.task.encode())
            gate.await_task()
            stopped.send_signal(signal.SIGSTOP)
            watcher.await_event("lost")
            queued = farm.job(job)
            self.assertEqual((queued["queued"], queued["running"]), (1, 0))
            farm.worker("obey", "--name", "other")
            watcher.await_event(lambda event: event.get("running") == 1)
            gate.open()
            self.assertEqual(watcher.await_event("ended")["done"], 1)
            stopped.send_signal(signal.SIGCONT)
            watcher.await_event(lambda event: event["event"] == "joined" and event["worker"] == "stopped")
            watcher.await_beats(2)
            counts = farm.job(job)
            self.assertEqual((counts["total"], counts["done"]), (1, 1))


def end(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def another_monotonic_clock():
    """A command that runs another ten years ahead, if this system can do it."""
    command = ["unshare", "--time", "--monotonic", TEN_YEARS, "--boottime", TEN_YEARS, "--fork"]
    for with_user in ([], ["--user", "--map-root-user"]):
        with contextlib.suppress(OSError):
            if subprocess.run([*command, *with_user, "true"], capture_output=True).returncode == 0:
                return [*command, *with_user]
    return None


class ClocksOfWorkers(unittest.TestCase):
    """None is compared with the broker's. The wall clock is not tried here: nothing reads it, as tests/tidy sees to."""

    def start_ahead(self, farm, clock):
        """A worker under another clock; returns its own process id."""
        says_its_id = ["sh", "-c", 'echo $$; exec "$@"', "sh"]
        pid = int(farm.worker("echo-worker", "--name", "ahead", under=[*clock, *says_its_id], stdout=subprocess.PIPE).stdout.readline())
        self.addCleanup(end, pid)
        farm.await_worker("ahead")
        return pid

    def test_one_ten_years_ahead_makes_no_difference(self):
        clock = another_monotonic_clock()
        if clock is None:
            self.skipTest("this system lets us make no time namespace (unshare --time)")
        with Farm() as farm:
            ahead = self.start_ahead(farm, clock)
            watcher = farm.watch("worker.", "job.")
            code, output, said = farm.stint("submit", "--kind", "echo", "--results", "-k", "-q", input=numbers(1, TASKS))
            self.assertEqual((code, output, said), (0, numbers(1, TASKS), ""))
            watcher.await_beats(10)  # more than three of silence: it is neither taken for lost, nor does it think that of us
            self.assertEqual([event for event in watcher.heard if event["event"] in ("lost", "left", "joined")], [])
            job = farm.job("1")
            self.assertEqual((job["done"], job["redone"], job["losses"]), (TASKS, 0, 0))
            end(ahead)
            self.assertEqual(watcher.await_event("lost")["worker"], "ahead")

    def test_durations_out_of_this_world_are_only_figures(self):
        with Broker() as broker, RawJob(broker, tasks=3) as raw:
            for index in range(3):
                raw.answer(index, us=[0xFFFF_FFFF])
            self.assertEqual(raw.counts(), {"total": 3, "done": 3, "failed": 0, "left": 0})


class RawJob:
    """A job of a client and the worker that is handed all of it, both by hand."""

    def __init__(self, broker, tasks):
        self.stack = contextlib.ExitStack()
        self.client = self.stack.enter_context(Peer(broker.listen))
        self.worker = self.stack.enter_context(Peer(broker.listen))
        self.client.greet(role=CLIENT)
        self.client.say("OPEN", req=1, kind="by-hand", key="k", results=1)
        self.job = self.client.hear("OPENED")["job"]
        self.client.say("SUBMIT", job=self.job, first=0, n=tasks, sizes=1, now=True, blob=b"x" * tasks)
        self.client.hear("ACCEPTED")
        self.client.say("CLOSE", job=self.job, total=tasks)
        self.worker.greet(role=WORKER, name="by-hand", kinds=["by-hand"], slots=tasks)
        self.lease = {}  # of each task, as they arrive
        while len(self.lease) < tasks:
            given = self.worker.hear("TASKS")
            self.lease |= {index: given["lease"] for index in range(given.get("first"), given.get("first") + given["n"])}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def answer(self, index, lease=None, us=(7,)):
        """Says that the task is done, and waits until the broker has dealt with it."""
        blob = b"".join(each.to_bytes(4, "little") for each in us)
        self.worker.say("RESULTS", lease=self.lease[index] if lease is None else lease, first=index, n=1, sizes=1, us=blob, blob=b"y")
        while self.worker.hear("RESULTS_ACK")["upto"] < self.worker.seq:
            pass

    def counts(self):
        self.client.say("QUERY", req=2, what="job", selector=str(self.job))
        row = self.client.hear("ANSWER")["rows"][0]
        return {name: row[name] for name in ("total", "done", "failed", "left")}


class ADoubledOrUnaskedDone(unittest.TestCase):
    def test_never_makes_done_exceed_total(self):
        with Broker() as broker, RawJob(broker, tasks=3) as raw:
            raw.answer(0)
            raw.answer(0)                                        # doubled
            self.assertEqual(raw.counts(), {"total": 3, "done": 1, "failed": 0, "left": 2})
            raw.answer(1, lease=raw.lease[1] + 1)                # of a lease that is not given yet
            raw.answer(1, lease=0)
            self.assertEqual(raw.counts(), {"total": 3, "done": 1, "failed": 0, "left": 2})
            raw.lease[500] = raw.lease[1]
            raw.answer(500)                                      # of a task that does not exist
            self.assertEqual(raw.counts(), {"total": 3, "done": 1, "failed": 0, "left": 2})
            with Peer(broker.listen) as stranger:                # by a worker that was never given it
                stranger.greet(role=WORKER, kinds=["by-hand"], slots=1)
                stranger.say("RESULTS", lease=raw.lease[2], first=2, n=1, sizes=1, us=bytes(4), blob=b"z")
                stranger.hear("RESULTS_ACK")
            self.assertEqual(raw.counts(), {"total": 3, "done": 1, "failed": 0, "left": 2})
            raw.answer(1)
            raw.answer(2)
            raw.answer(2)                                        # after the job's end
            self.assertEqual(raw.counts(), {"total": 3, "done": 3, "failed": 0, "left": 0})


class StartAndEnd(unittest.TestCase):
    def test_are_told_once_each_whoever_asks_in_between(self):
        with Farm() as farm:
            watcher = farm.watch("job.")
            farm.worker("echo-worker")
            self.assertEqual(farm.submit("--kind", "echo", input=numbers(1, 100)), "1")
            watcher.await_event("ended")
            for _ in range(3):
                farm.watch_job("1")  # each subscription is answered with the state, to all watchers
            self.assertEqual(farm.stint("wait", "1")[0], 0)
            self.assertEqual(farm.submit("--kind", "echo", input=b""), "2")
            watcher.await_event(lambda event: (event["topic"], event["event"]) == ("job.2.", "ended"))
            of_first = [event["event"] for event in watcher.heard if event["topic"] == "job.1."]
            self.assertEqual([of_first.count(name) for name in ("opened", "started", "ended")], [1, 1, 1])


class ASecondJob(unittest.TestCase):
    def test_is_not_ignored_after_the_first(self):
        with Farm() as farm:
            farm.worker("echo-worker")
            for text in (b"first\n", b"second\n", b"third\n"):
                self.assertEqual(farm.stint("submit", "--kind", "echo", "--results", "-q", input=text), (0, text, ""))

    def test_is_not_ignored_while_the_first_runs(self):
        with Farm() as farm:
            gate = farm.gate()
            farm.worker("obey", "--slots", "2")
            first = farm.submit("--kind", "obey", input=gate.task.encode())
            gate.await_task()
            self.assertEqual(farm.stint("submit", "--kind", "obey", "--results", "-q", input=b"second\n"), (0, b"second\n", ""))
            self.assertEqual(farm.job(first)["running"], 1)
            gate.open()
            self.assertEqual(farm.stint("wait", first)[0], 0)


class AnEmptyJob(unittest.TestCase):
    def test_ends_though_there_is_no_worker(self):
        with Farm() as farm:
            watcher = farm.watch("job.")
            self.assertEqual(farm.stint("submit", "--kind", "echo", "--results", "-q"), (0, b"", ""))
            ended = watcher.await_event("ended")
            self.assertEqual((ended["total"], ended["left"], ended["outcome"]), (0, 0, "done"))


if __name__ == "__main__":
    unittest.main()
