"""Processes that stand still and go on, and a thousand workers that come back at once. Rows 13 and 26 of the list of faults.

"A minute" is ten times what it takes to be given up: in units of liveness, so that it takes seconds here. With
STINT_REAL_MINUTE=1 it is a minute, at the default heartbeat of 2 s.
"""
import contextlib
import os
import signal
import threading
import time
import unittest

import msgpack
import zmq

from farm import DEADLINE, QUICK, SANITIZED, Farm, pass_time
from raw import NUMBERS, WORKER, Message, header

REAL = bool(os.environ.get("STINT_REAL_MINUTE"))
OPTIONS = ("--heartbeat-ms", "2000") if REAL else QUICK
MINUTE = 60 if REAL else 12 if SANITIZED else 3
TASKS = 200


class StandingStill(unittest.TestCase):
    """Two workers of two slots each, and a job of tasks that take a tenth of the minute altogether and longer."""

    def setUp(self):
        self.farm = self.enterContext(Farm(*OPTIONS))
        self.log = self.farm.run_log()
        self.workers = [self.farm.worker("obey", "--name", name, "--slots", "2", env=self.log.env) for name in ("ada", "bob")]
        self.farm.await_workers(2)
        self.watcher = self.farm.watch("job.", "worker.")
        self.job = self.farm.submit("--kind", "obey", input=b"take 20\n" * TASKS)
        self.watcher.await_event(lambda event: event.get("done", 0) >= 10)

    def end(self):
        """The job's figures, and the tasks that were begun more than once."""
        self.assertEqual(self.farm.stint("wait", self.job, "-q")[0], 0)
        job = self.farm.job(self.job)
        self.assertEqual((job["total"], job["done"], job["left"]), (TASKS, TASKS, 0))
        return job, [index for (_, index), times in self.log.begun().items() if times > 1]

    def test_row_13_a_worker_only_what_it_held_runs_again(self):
        ada, bob = self.workers
        ada.send_signal(signal.SIGSTOP)
        self.watcher.await_beats(1)  # what it has said has arrived, and it is not yet given up
        held = next(row["held"] for row in self.farm.rows("workers") if row["worker"] == "ada")
        pass_time(MINUTE)
        ada.send_signal(signal.SIGCONT)
        self.watcher.await_event(lambda event: event["event"] == "joined" and event["worker"] == "ada")
        job, again = self.end()
        print(f"stopped for {MINUTE} s, it held {held}: {len(again)} tasks run again")
        self.assertEqual([event["worker"] for event in self.watcher.heard if event["event"] == "lost"], ["ada"])
        self.assertLessEqual(len(again), held)
        self.assertLessEqual(job["redone"], held)
        self.assertGreater(job["redone"], 0)
        self.assertEqual(bob.poll(), None)

    def test_the_broker_and_no_task_runs_twice(self):
        broker = self.farm.broker
        broker.signal(signal.SIGSTOP)
        pass_time(MINUTE)
        broker.signal(signal.SIGCONT)
        job, again = self.end()
        print(f"the broker stopped for {MINUTE} s: {len(again)} tasks run again")
        self.assertEqual((again, job["redone"], job["losses"]), ([], 0, 0))
        self.watcher.catch_up()
        self.assertEqual([event for event in self.watcher.heard if event["event"] == "lost"], [])


class RawCrowd:
    """Many workers by hand, each with a connection of its own, served by one thread: they greet, beat, and echo their tasks."""

    def __init__(self, endpoint, count):
        self.context = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, 2 * count)
        self.endpoint = endpoint
        self.members = [dict(incarnation=0x10_0000 + i, hello_no=0, session=0, seq=0) for i in range(count)]
        self.poller = zmq.Poller()
        self.by_socket = {}
        for member in self.members:
            self.connect(member)
        self.welcomed = 0      # since the last return
        self.ended = threading.Event()
        self.interval = 1.0
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def connect(self, member):
        socket = self.context.socket(zmq.DEALER)
        socket.linger = 0
        socket.reconnect_ivl = 100
        socket.connect(self.endpoint)
        member["socket"] = socket
        self.by_socket[socket] = member
        self.poller.register(socket, zmq.POLLIN)
        self.greet(member)

    def say(self, member, name, blob=None, **fields):
        if name != "HELLO":
            member["seq"] += 1
        frames = [header(NUMBERS[name], member["session"], member["seq"]) + msgpack.packb(fields)]
        member["socket"].send_multipart(frames + ([blob] if blob is not None else []))

    def greet(self, member):
        member["hello_no"] += 1
        member["session"] = member["seq"] = 0
        self.say(member, "HELLO", role=WORKER, incarnation=member["incarnation"], hello_no=member["hello_no"], kinds=["crowd"], slots=1)

    def hear(self, member, message):
        if message.name == "HELLO_AGAIN" and member["session"]:
            self.greet(member)
        elif message.name == "WELCOME" and message["hello_no"] == member["hello_no"] and not member["session"]:
            member["session"] = message.session
            self.interval = message["heartbeat_ms"] / 1000
            self.welcomed += 1
        elif message.name == "TASKS" and message.session == member["session"]:
            self.say(member, "RESULTS", lease=message["lease"], first=message.get("first"), n=message["n"], sizes=1,
                     us=bytes(4 * message["n"]), blob=b"y" * message["n"])

    def serve(self):
        beat_at = time.monotonic()
        while not self.ended.is_set():
            for socket, _ in self.poller.poll(20):
                with contextlib.suppress(zmq.Again):
                    while True:
                        self.hear(self.by_socket[socket], Message(socket.recv_multipart(zmq.NOBLOCK)))
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + self.interval
                for member in self.members:
                    if member["session"]:
                        self.say(member, "HEARTBEAT")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for member in self.members:
            member["socket"].close(0)
        self.context.term()


class Row26AThousandWorkersComeBackInOneSecond(unittest.TestCase):
    COUNT = 200 if SANITIZED else 1_000
    TASKS = 10 * COUNT

    def await_all(self, watcher, crowd):
        until = time.monotonic() + DEADLINE
        while crowd.welcomed < self.COUNT:
            self.assertLess(time.monotonic(), until, f"{crowd.welcomed} of {self.COUNT} were welcomed")
            watcher.await_event("beat")

    def test_all_are_admitted_and_none_expires(self):
        with Farm("--heartbeat-ms", "1000") as farm:
            with RawCrowd(farm.listen, self.COUNT) as crowd:
                self.await_all(farm.watch(), crowd)
                farm.kill_broker()
                crowd.welcomed = 0
                farm.start_broker()
                began = time.monotonic()
                watcher = farm.watch("worker.")
                self.await_all(watcher, crowd)
                print(f"{self.COUNT} came back within {time.monotonic() - began:.2f} s of the broker's start")
                self.assertEqual(farm.submit("--kind", "crowd", input=b"x\n" * self.TASKS), "1")
                self.assertEqual(farm.stint("wait", "1", "-q")[0], 0)
                pass_time(4 * crowd.interval)  # longer than it takes to be given up
                watcher.catch_up()
                self.assertEqual([event for event in watcher.heard if event["event"] in ("lost", "left")], [])
                self.assertEqual(len(farm.rows("workers")), self.COUNT)
                job = farm.job("1")
                self.assertEqual((job["done"], job["redone"]), (self.TASKS, 0))


if __name__ == "__main__":
    unittest.main()
