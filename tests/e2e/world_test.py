"""What the machine around may do: clocks that jump, descriptors that run out. Each class is named for its row of the list of faults."""
import contextlib
import os
import signal
import socket
import subprocess
import unittest

from farm import QUICK, Farm
from raw import BIN, DEADLINE, SANITIZED, Broker

JUMPING_CLOCK = os.path.join(os.path.dirname(os.path.abspath(BIN)), "tests", "libjumping_clock.so")


@contextlib.contextmanager
def jumping_clock():
    """Every process that is started meanwhile has a wall clock that jumps by days."""
    os.environ["LD_PRELOAD"] = JUMPING_CLOCK
    try:
        yield
    finally:
        del os.environ["LD_PRELOAD"]


class Row25TheWallClockJumps(unittest.TestCase):
    @unittest.skipIf(SANITIZED, "a sanitizer wants to be the first library")
    def test_by_a_day_either_way_at_each_reading_and_it_makes_no_difference(self):
        with jumping_clock():
            clock = subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True)
            self.assertGreater(abs(int(clock.stdout) - self.seconds()), 80_000, "the clock of these processes does not jump")
            with Farm() as farm:
                watch = farm.watch("job.", "worker.")
                gate = farm.gate()
                victim = farm.worker("obey", "--name", "victim")
                client = farm.start_stint("submit", "--kind", "obey", "--results", "-k", stdin=subprocess.PIPE)
                client.stdin.write(gate.task.encode() + b"\nfail 1\nelse\n")
                client.stdin.close()
                gate.await_task()
                farm.worker("obey", "--name", "heir")
                victim.end(signal.SIGKILL)
                watch.await_event("lost")
                gate.await_task()
                gate.open()
                self.assertEqual(client.lines(), [gate.task.encode(), b"fail 1", b"else"])
                self.assertEqual(client.wait(DEADLINE), 0)
                job = farm.job("1")
                self.assertEqual((job["total"], job["done"], job["losses"]), (3, 3, 1))
                lost = [event for event in watch.heard if event["event"] == "lost"]
                self.assertEqual([event["worker"] for event in lost], ["victim"])

    @staticmethod
    def seconds():
        """What a clock says that does not jump: the kernel's, on something it has just made."""
        return int(os.stat("/proc/self/fd").st_mtime)


class PoorFarm(Farm):
    """Its broker has so few descriptors that a few dozen connections exhaust them."""

    DESCRIPTORS = 100

    def start_broker(self):
        self.broker = Broker(*QUICK, "--handshake-ms", "3600000", under=("prlimit", f"--nofile={self.DESCRIPTORS}:{self.DESCRIPTORS}"))
        self.listen, self.events = self.broker.listen, self.broker.events

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.broker.process.pid}/fd"))


class Row33DescriptorsExhausted(unittest.TestCase):
    def test_peers_already_there_are_served_and_a_warning_came_before(self):
        with PoorFarm() as farm, contextlib.ExitStack() as strangers:
            farm.worker("echo-worker")
            watch = farm.watch("broker.")
            client = farm.start_stint("submit", "--kind", "echo", "--results", stdin=subprocess.PIPE)
            self.feed(client, b"before\n")
            host, port = farm.listen.removeprefix("tcp://").rsplit(":", 1)
            for _ in range(2 * farm.DESCRIPTORS):
                strangers.enter_context(socket.create_connection((host, int(port)), DEADLINE))
            while farm.descriptors() < farm.DESCRIPTORS:
                watch.await_beats(1)
            for line in (b"while\n", b"there\n", b"are none\n"):
                self.feed(client, line)
                watch.await_beats(2)
            self.assertGreaterEqual(farm.descriptors(), farm.DESCRIPTORS - 1)
            client.stdin.close()
            self.assertEqual(client.lines(), [])
            self.assertEqual(client.returncode, 0, client.said())
            strangers.close()
            self.assertEqual(farm.job("1")["done"], 4)  # who comes when there are some again is let in
            self.assertRegex(farm.broker.whole_log(), r"the limit of open files allows \d+ peers; raise it with ulimit -n")

    def feed(self, client, line):
        client.stdin.write(line)
        client.stdin.flush()
        self.assertEqual(client.line(), line)


if __name__ == "__main__":
    unittest.main()
