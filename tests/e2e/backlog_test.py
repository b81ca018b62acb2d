"""A backlog far larger than what the broker may hold in memory: taken in, kept through kill -9, completed, and its results read. Of any
size, and then it says what that took:

    STINT_BIN=build/release/bin /usr/bin/python3 tests/e2e/backlog_test.py --tasks 10000000 --bytes 64
"""
import argparse
import subprocess
import sys
import time
import unittest

from farm import MIB, DurableFarm
from raw import DEADLINE, SANITIZED

TASKS, BYTES = 200_000, 1_024  # 195 MiB, and as much of results
MEMORY = 100 * MIB  # what the broker may hold at the most, however long the backlog
BLOCK = 1_000  # tasks written at once


def patience(tasks):
    """Seconds for all of them, on a slow machine."""
    return DEADLINE + tasks // 5_000


class ABacklogLargerThanMemory(unittest.TestCase):
    tasks, bytes = TASKS, BYTES

    def test_it_is_kept_through_a_kill_and_completed(self):
        with DurableFarm() as farm:
            job = self.submit(farm)
            self.assert_small(farm, "submitted")
            farm.kill_broker()
            start = time.monotonic()
            farm.start_broker()
            ready = time.monotonic() - start
            told = farm.job(job)
            self.tell("after kill -9, ready", ready)
            self.tell("after kill -9, answers", time.monotonic() - start)
            self.assertEqual((told["total"], told["queued"], told["left"]), (self.tasks, self.tasks, self.tasks))

            start = time.monotonic()
            farm.worker("echo-worker")
            waiting = farm.start_stint("wait", job)
            self.assertEqual(waiting.wait(patience(self.tasks)), 0, waiting.said())
            self.tell("completed", time.monotonic() - start)
            told = farm.job(job)
            self.assertEqual((told["total"], told["done"], told["left"], told["failed"]), (self.tasks, self.tasks, 0, 0))
            self.assert_small(farm, "completed")

            start = time.monotonic()
            self.assertEqual(self.read(farm, job), self.tasks)
            self.tell("results read", time.monotonic() - start)
            self.assert_small(farm, "results read")

    def submit(self, farm):
        start = time.monotonic()
        submit = farm.start_stint("submit", "--kind", "echo", stdin=subprocess.PIPE)
        for first in range(0, self.tasks, BLOCK):
            last = min(first + BLOCK, self.tasks)
            submit.stdin.write(b"".join(b"%0*d\n" % (self.bytes, task) for task in range(first, last)))
        submit.stdin.close()
        self.assertEqual(submit.wait(patience(self.tasks)), 0, submit.said())
        self.tell("submitted", time.monotonic() - start)
        return submit.stdout.read().decode().strip()

    def read(self, farm, job):
        """How many results there are; each has to be the payload of its task."""
        results = farm.start_stint("results", job, "-k")
        count = 0
        for line in results.stdout:
            self.assertEqual(line, b"%0*d\n" % (self.bytes, count))
            count += 1
        self.assertEqual(results.wait(patience(self.tasks)), 0, results.said())
        return count

    def assert_small(self, farm, when):
        peak = farm.broker.memory()
        if self.tasks != TASKS:
            print(f"{when}: the broker's resident memory was {peak / 1e6:.0f} MB at the most")
        if not SANITIZED:
            self.assertLess(peak, MEMORY, when)

    def tell(self, what, seconds):
        if self.tasks != TASKS:
            print(f"{what}: {seconds:.2f} s", flush=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tasks", type=int, default=TASKS)
    options.add_argument("--bytes", type=int, default=BYTES)
    given, rest = options.parse_known_args()
    ABacklogLargerThanMemory.tasks, ABacklogLargerThanMemory.bytes = given.tasks, given.bytes
    unittest.main(argv=[sys.argv[0], *rest])
