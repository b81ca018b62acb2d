"""Readers that do not read, watchers that do not listen, writers that do not stop: nobody else is harmed, and memory stays within its
limits. Rows 27 and 28 of the list of faults."""
import os
import signal
import subprocess
import unittest

import zmq

from farm import DEADLINE, MIB, SANITIZED, Farm
from raw import CLIENT, Peer

WINDOW = 65_536  # results beyond what the reader has
JOBS = 2_000 if SANITIZED else 40_000
EVENTS = 20_000 if SANITIZED else 200_000


class WithFarm(unittest.TestCase):
    options = ()

    def setUp(self):
        self.farm = self.enterContext(Farm("--heartbeat-ms", "1000" if SANITIZED else "200", *self.options))
        self.watcher = self.farm.watch("job.")

    def start_endless(self, *options):
        """`yes | stint submit`; returns the client."""
        endless = self.farm.start("yes", stdout=subprocess.PIPE)
        client = self.farm.start_stint("submit", "--kind", "echo", "-q", *options, stdin=endless.stdout)
        endless.stdout.close()
        return client

    def await_standstill(self, job, name):
        """Waits until that figure of the job is the same at three heartbeats."""
        seen = []
        while len(seen) < 3 or len(set(seen[-3:])) > 1 or seen[-1] == 0:
            self.watcher.await_beats(1)
            seen.append(self.farm.job(job)[name])
        return seen[-1]

    def assert_others_are_served(self):
        self.assertEqual(self.farm.stint("submit", "--kind", "echo", "--results", "-q", input=b"other\n"), (0, b"other\n", ""))

    def assert_small(self, process_peaks):
        if not SANITIZED:
            self.assertLess(max(process_peaks), 128 * MIB)


class Row27AReaderThatDoesNotRead(WithFarm):
    def test_stops_its_job_and_no_other(self):
        worker = self.farm.worker("echo-worker")
        client = self.start_endless("--results")
        done = self.await_standstill("1", "done")
        print(f"stands still at {done} done, of which nobody has read a byte")
        self.assertLess(done, 4 * WINDOW)
        self.assert_others_are_served()
        self.assertEqual(self.farm.job("1")["done"], done)
        self.assert_small([self.farm.broker.memory(), client.measure(), worker.measure()])
        self.assertEqual(os.read(client.stdout.fileno(), 2), b"y\n")
        client.stdout.close()
        self.assertEqual(self.watcher.await_event("ended")["outcome"], "done")  # the other one's
        self.assertEqual(self.watcher.await_event("ended")["outcome"], "cancelled")


class Row27AReaderThatIsStopped(WithFarm):
    def test_costs_nobody_anything_and_goes_on_when_it_is_back(self):
        self.farm.worker("echo-worker")
        client = self.farm.start_stint("submit", "--kind", "echo", "--results", "-k", "-q", "--detach", stdin=subprocess.PIPE)
        client.stdin.write(b"1\n")
        client.stdin.flush()
        self.assertEqual(client.line(), b"1\n")
        client.send_signal(signal.SIGSTOP)
        self.assert_others_are_served()
        self.watcher.await_beats(5)  # it is given up
        client.send_signal(signal.SIGCONT)
        client.stdin.write(b"2\n3\n")
        client.stdin.close()
        self.assertEqual(client.lines(), [b"2", b"3"])
        self.assertEqual(client.returncode, 0, client.said())


class Row27ASubscriberThatDoesNotListen(WithFarm):
    def setUp(self):
        super().setUp()
        deaf = zmq.Context.instance().socket(zmq.SUB)
        self.addCleanup(deaf.close, 0)
        deaf.rcvhwm = 1
        deaf.rcvbuf = 4096
        deaf.subscribe("")
        deaf.connect(self.farm.events)
        deaf.poll(10_000)  # it is there

    def test_misses_events_and_harms_nobody(self):
        self.farm.worker("echo-worker")
        for _ in range(2):
            job = self.farm.submit("--kind", "echo", "--discard", input=b"x\n" * EVENTS)
            self.assertEqual(self.farm.stint("wait", job, "-q")[0], 0)
            self.assertEqual(self.farm.job(job)["done"], EVENTS)
        self.assert_small([self.farm.broker.memory()])

    def test_finds_no_queue_of_what_it_has_missed(self):
        """Empty jobs with long names, whose opening and end are told to more bytes than the broker has in memory."""
        told = ends = 0
        with Peer(self.farm.listen) as ann:
            ann.greet(role=CLIENT, name="ann")
            for batch in range(JOBS // 100):
                for number in range(100 * batch, 100 * (batch + 1)):
                    ann.say("OPEN", req=number + 1, kind="k" * 255, name="n" * 255, key=f"{number:0255}", results=2)
                for _ in range(100):
                    ann.say("CLOSE", job=ann.hear("OPENED")["job"], total=0)
                while ends < 100 * (batch + 1):
                    topic, body = self.watcher.socket.recv_multipart()
                    told += len(topic) + len(body)
                    ends += b"\xa5ended" in body
        memory = self.farm.broker.memory()
        print(f"{told / MIB:.0f} MiB of events were told to somebody who does not listen; the broker had at most {memory / MIB:.0f} MiB")
        if not SANITIZED:
            self.assertLess(memory, told / 2)


class Row28AWriterWithoutEnd(WithFarm):
    options = ("--backlog-bytes", str(8 * MIB))

    def test_is_made_to_wait_and_others_get_their_share(self):
        self.farm.worker("obey", "--slots", "2")
        endless = self.farm.start("yes", "take 20", stdout=subprocess.PIPE)
        client = self.farm.start_stint("submit", "--kind", "obey", "-q", stdin=endless.stdout)
        total = self.await_slow_growth("1")
        print(f"{total} tasks are accepted, then the pipe blocks")
        self.assertLess(total * len("take 20"), 24 * MIB)
        for _ in range(3):
            self.assertEqual(self.farm.stint("submit", "--kind", "obey", "--results", "-q", input=b"other\n"), (0, b"other\n", ""))
        self.assert_small([self.farm.broker.memory(), client.measure()])
        self.assertEqual(self.farm.stint("cancel", "1")[0], 0)
        endless.stdout.close()
        self.assertEqual(client.wait(DEADLINE), 3, client.said())

    def await_slow_growth(self, job):
        """Waits until no more is accepted from one heartbeat to the next than what is done in it."""
        before = -1
        while True:
            self.watcher.await_beats(1)
            total = self.farm.job(job)["total"]
            if 0 < total <= before + 1000:
                return total
            before = total


if __name__ == "__main__":
    unittest.main()
