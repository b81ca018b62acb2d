"""Tasks that harm their workers, strange workers, answers that come twice or late. Each class is named for its row of the list of
faults."""
import json
import os
import subprocess
import unittest

from farm import BIN, DEADLINE, SANITIZED, Farm, numbers
from raw import CLIENT, WORKER, Broker, Peer

INNOCENT = 300 if SANITIZED else 3_000


class Replacing:
    """Keeps so many workers of a program at work: whenever one is lost, another one is started."""

    def __init__(self, farm, program, count, *options):
        self.farm, self.command = farm, (program, *options)
        self.watcher = farm.watch("worker.", "job.1.")
        self.lost = 0
        for _ in range(count):
            farm.worker(*self.command)
        farm.await_workers(count)

    def until_ended(self):
        """Returns the event."""
        while True:
            event = self.watcher.await_event(lambda heard: heard["event"] in ("lost", "ended"))
            if event["event"] == "ended":
                return event
            self.lost += 1
            self.farm.worker(*self.command)


def failed_tasks(farm, job):
    """Of each failed task: what was said about it."""
    _, output, _ = farm.stint("results", job, "--json", "-q")
    rows = map(json.loads, output.splitlines())
    return {row["index"]: row for row in rows if row["state"] == "failed"}


class Row11TwiceLateOrUnasked(unittest.TestCase):
    """A doubled answer and one for a task that was never handed out are in stream_queue_test.py."""

    def give_away(self, broker):
        """A task that went to one worker, was given back by its goodbye, and is with another one now."""
        ann, first, second = (self.enterContext(Peer(broker.listen)) for _ in range(3))
        ann.greet(role=CLIENT)
        ann.say("OPEN", req=1, kind="by-hand", key="k", results=1)
        self.job = ann.hear("OPENED")["job"]
        ann.say("SUBMIT", job=self.job, first=0, n=1, sizes=1, now=True, blob=b"x")
        ann.say("CLOSE", job=self.job, total=1)
        first.greet(role=WORKER, name="first", kinds=["by-hand"], slots=1)
        old = first.hear("TASKS")["lease"]
        first.say("BYE", reason="off")
        second.greet(role=WORKER, name="second", kinds=["by-hand"], slots=1)
        new = second.hear("TASKS")["lease"]
        first.greet(role=WORKER, name="first", kinds=["by-hand"], slots=1)
        return ann, first, old, second, new

    def answer(self, worker, lease, result):
        worker.say("RESULTS", lease=lease, first=0, n=1, sizes=len(result), us=bytes(4), blob=result)
        self.assertEqual(worker.hear("RESULTS_ACK")["upto"], worker.seq)

    def test_the_answer_of_an_old_attempt_changes_nothing(self):
        with Broker() as broker:
            ann, first, old, second, new = self.give_away(broker)
            self.assertGreater(new, old)
            self.answer(first, old, b"late")
            ann.say("QUERY", req=2, what="job", selector=str(self.job))
            self.assertEqual(ann.hear("ANSWER")["rows"][0]["done"], 0)
            self.answer(second, new, b"y")
            self.answer(second, new, b"z")
            ann.say("ATTACH", job=self.job, reader=1, upto=0, limit_tasks=100, limit_bytes=1 << 20)
            results = ann.hear("JOB_RESULTS")
            self.assertEqual((results["n"], results.blob), (1, b"y"))
            ann.say("QUERY", req=3, what="job", selector=str(self.job))
            row = ann.hear("ANSWER")["rows"][0]
            self.assertEqual((row["total"], row["done"], row["left"]), (1, 1, 0))


class Row14WhatHandlersDo(unittest.TestCase):
    BAD = {b"throw": "handler", b"big 1073741824": "1073741824", b"big 70368744177664": "", b"exit 3": "lost", b"crash": "lost"}

    def test_it_fails_for_good_saying_why_and_innocent_neighbours_do_not(self):
        bad = list(self.BAD)
        tasks = [b"ok %d" % i for i in range(100)]
        for place, task in enumerate(bad):
            tasks.insert(10 * (place + 1), task)
        with Farm() as farm:
            workers = Replacing(farm, "flaky", 2, "--slots", "4")
            job = farm.submit("--kind", "flaky", "--max-attempts", "2", "--backoff", "0.05", input=b"\n".join(tasks) + b"\n")
            ended = workers.until_ended()
            self.assertEqual((ended["done"], ended["failed"], ended["left"]), (100, len(bad), 0))
            failed = failed_tasks(farm, job)
            self.assertEqual({tasks[index] for index in failed}, set(bad))
            for index, row in failed.items():
                print(f"{tasks[index].decode()}: attempt {row['attempt']}: {row['error']}")
                self.assertIn(self.BAD[tasks[index]], row["error"])
                self.assertGreaterEqual(row["attempt"], 1 if tasks[index].startswith(b"big 1") else 2)
            self.assertGreaterEqual(workers.lost, 4)


class Row15AHandlerNeverReturns(unittest.TestCase):
    def test_it_is_told_to_stop_then_given_up_with_its_slot_and_a_command_is_killed_with_its_children(self):
        with Farm() as farm:
            threads = farm.worker("flaky", "--name", "threads")
            child = os.path.join(farm.directory, "child")
            children = ["sh", "-c", f'trap "" TERM; sleep 1000 & echo $! > {child}; wait; sleep 1000']
            farm.worker("stint-worker", "--kind", "command", "--name", "command", "--slots", "1", "--", *children)
            farm.await_workers(2)
            told = farm.submit("--kind", "flaky", "--time-limit", "0.2", "--max-attempts", "1", input=b"wait\nhang\n")
            watcher = farm.watch("worker.threads.")
            command = farm.submit("--kind", "command", "--time-limit", "0.2", "--max-attempts", "1", input=b"\n")
            for job in (told, command):
                self.assertEqual(farm.stint("wait", job, "-q")[0], 1)
            failed = failed_tasks(farm, told)
            self.assertEqual(set(failed), {0, 1})
            for row in (*failed.values(), *failed_tasks(farm, command).values()):
                print(f"{row['worker']}: {row['error']}")
                self.assertIn("time limit", row["error"])
            self.assertIn("no slot is left", watcher.await_event("left")["reason"])
            self.assertEqual(threads.wait(DEADLINE), 1, threads.said())
            with open(child) as file, self.assertRaises(ProcessLookupError, msg="it left an orphan"):
                os.kill(int(file.read()), 0)


class Row16StrangeWorkers(unittest.TestCase):
    """Slots and sizes out of this world are in broker_raw_test.py."""

    def test_no_kind_is_refused_saying_so(self):
        with Broker() as broker, Peer(broker.listen) as peer:
            peer.say("HELLO", role=WORKER, incarnation=1, hello_no=1, kinds=[], slots=1)
            self.assertIn("at least one kind", peer.hear("ERROR")["text"])

    def test_names_are_escaped_in_every_output(self):
        evil = "e\n\x1b[31m../é"
        with Farm() as farm:
            watcher = farm.watch("worker.", "job.")
            zmq_sub = farm.start(f"{BIN}/zmq-sub", "--connect", farm.events, "--json", "--topic", "worker.", stdout=subprocess.PIPE)
            farm.worker("stint-worker", "--kind", evil, "--name", evil, "--", "true", "{}")
            joined = watcher.await_event(lambda event: event.get("worker") == evil)
            self.assertEqual(joined["topic"], "worker.e%0A%1B%5B31m%2E%2E%2F%C3%A9.")
            outputs = [zmq_sub.line()[:-1]]
            job = farm.submit("--kind", evil, "--name", evil, input=b"1\n")
            self.assertEqual(farm.stint("wait", job, "-q")[0], 0)
            outputs += [line for what in (["workers"], ["jobs"], ["job", job], ["workers", "--json"], ["jobs", "--json"])
                        for line in farm.stint(*what)[1].splitlines()]
            outputs += farm.stint("drain", evil)[1].splitlines()
            outputs += farm.broker.whole_log().encode().splitlines()
            for line in outputs:
                self.assertNotIn(b"\x1b", line)
                self.assertNotEqual(line[:1], b"[", "a newline got through")


class Row37ATaskKillsItsWorkers(unittest.TestCase):
    def test_only_it_is_charged_and_stopped_and_its_neighbours_end_once(self):
        with Farm() as farm:
            workers = Replacing(farm, "obey", 2, "--slots", "4")
            job = farm.submit("--kind", "obey", input=numbers(1, INNOCENT // 2) + b"crash 99\n" + numbers(1, INNOCENT - INNOCENT // 2))
            ended = workers.until_ended()
            self.assertEqual((ended["total"], ended["done"], ended["failed"]), (INNOCENT + 1, INNOCENT, 1))
            failed = failed_tasks(farm, job)
            self.assertEqual(list(failed), [INNOCENT // 2])
            error = failed[INNOCENT // 2]["error"]
            print(f"{workers.lost} workers: {error}")
            self.assertIn("its worker was lost while running it, 3 times", error)
            self.assertEqual(workers.lost, 3)


class Row30CancelRacesWithTheLastResult(unittest.TestCase):
    ROUNDS = 5 if SANITIZED else 20

    def test_there_is_one_outcome_and_everybody_is_told_the_same(self):
        outcomes = []
        with Farm() as farm:
            farm.worker("obey", "--slots", "2")
            farm.await_workers(1)
            watcher = farm.watch("job.")
            for number in range(1, self.ROUNDS + 1):
                gate = farm.gate(f"gate-{number}")
                submitter = farm.start_stint("submit", "--kind", "obey", "--results", "-q", stdin=subprocess.PIPE)
                submitter.stdin.write(gate.task.encode())
                submitter.stdin.close()
                gate.await_task()
                cancel = farm.start_stint("cancel", str(number))
                if number % 2:
                    gate.open()
                cancelled = cancel.wait(DEADLINE) == 0
                if not number % 2:
                    gate.open()
                ended = watcher.await_event("ended")
                job = farm.job(str(number))
                outcome = "cancelled" if cancelled else "done"
                outcomes.append(outcome)
                self.assertEqual(ended["outcome"], outcome)
                self.assertEqual(submitter.wait(DEADLINE), 3 if cancelled else 0, submitter.said())
                self.assertEqual(submitter.stdout.read() != b"", not cancelled)
                self.assertEqual((job["state"], job[outcome], job["total"]), ("cancelled" if cancelled else "ended", 1, 1))
                if not cancelled:
                    self.assertIn(f"job {number} has ended", cancel.said())
            watcher.catch_up()
            self.assertEqual(sum(event["event"] == "ended" for event in watcher.heard), self.ROUNDS)
        print(f"{outcomes.count('cancelled')} times the cancel won, {outcomes.count('done')} times the result")


if __name__ == "__main__":
    unittest.main()
