"""A real network between broker and workers that is cut and mended: namespaces joined by a pair of virtual interfaces. Row 13 of the
list of faults. Needs root (CAP_NET_ADMIN); without it the test is skipped.

    ip netns add stint-1; ip link add near type veth peer name far netns stint-1
"""
import itertools
import os
import signal
import subprocess
import sys
import unittest

from farm import DEADLINE, QUICK, SANITIZED, Farm, pass_time

SKIPPED = 77
LIVENESS = 3.0 if SANITIZED else 0.3  # seconds: three heartbeats of QUICK
TASKS = 200


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Network:
    """A namespace with one end of a cable; the other end is here."""

    numbers = itertools.count()

    def __init__(self):
        number = next(self.numbers)  # the kernel takes its time to remove one of the same name
        self.name = f"stint-{os.getpid()}-{number}"
        self.cable = f"st{os.getpid() % 10_000_000}-{number}"
        host = 4 * ((os.getpid() + 1_000 * number) % 16_000)
        self.near, self.far = (f"10.213.{number >> 8}.{number & 255}" for number in (host + 1, host + 2))

    def __enter__(self):
        ip("netns", "add", self.name)
        try:
            ip("link", "add", self.cable, "type", "veth", "peer", "name", "far", "netns", self.name)
            ip("addr", "add", f"{self.near}/30", "dev", self.cable)
            ip("link", "set", self.cable, "up")
            ip("-n", self.name, "addr", "add", f"{self.far}/30", "dev", "far")
            ip("-n", self.name, "link", "set", "far", "up")
            ip("-n", self.name, "link", "set", "lo", "up")
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        ip("netns", "del", self.name)  # the cable goes with it

    @property
    def inside(self):
        """A command that runs another at the far end."""
        return ["ip", "netns", "exec", self.name]

    def cut(self):
        """Nothing passes any more, and nobody is told: no connection breaks."""
        ip("-n", self.name, "link", "set", "far", "down")

    def mend(self):
        ip("-n", self.name, "link", "set", "far", "up")


class NetworkFarm(Farm):
    """Its broker listens on the near end; everybody can reach it there."""

    def __init__(self, network):
        super().__init__("--insecure-public", *QUICK)
        self.listen_first = f"tcp://{network.near}:*"


class Row13CutOffAndBack(unittest.TestCase):
    def setUp(self):
        self.network = self.enterContext(Network())
        self.farm = self.enterContext(NetworkFarm(self.network))
        self.log = self.farm.run_log()
        self.near = self.farm.worker("obey", "--name", "near", "--slots", "2", env=self.log.env)
        self.far = self.farm.worker("obey", "--name", "far", "--slots", "2", under=self.network.inside, env=self.log.env)
        self.farm.await_workers(2)
        self.watcher = self.farm.watch("job.", "worker.")

    def submit(self, tasks):
        self.job = self.farm.submit("--kind", "obey", input=tasks)

    def again(self):
        """Waits for the job's end; the tasks that were begun more than once."""
        self.assertEqual(self.farm.stint("wait", self.job, "-q")[0], 0)
        job = self.farm.job(self.job)
        self.assertEqual((job["done"], job["left"]), (job["total"], 0))
        return [index for (_, index), times in self.log.begun().items() if times > 1]

    def lost(self):
        self.watcher.catch_up()
        return [event["worker"] for event in self.watcher.heard if event["event"] == "lost"]

    def test_shorter_than_liveness_it_re_runs_nothing(self):
        self.submit(b"take 20\n" * TASKS)
        self.watcher.await_event(lambda event: event.get("done", 0) >= 10)
        self.network.cut()
        pass_time(LIVENESS / 3)
        self.network.mend()
        self.assertEqual(self.again(), [])
        self.assertEqual((self.lost(), self.farm.job(self.job)["redone"]), ([], 0))

    def test_longer_than_liveness_it_re_runs_once_and_late_answers_change_nothing(self):
        self.submit(b"take 20\n" * TASKS)
        self.watcher.await_event(lambda event: event.get("done", 0) >= 10)
        self.network.cut()
        held = next(row["held"] for row in self.farm.rows("workers") if row["worker"] == "far")
        self.watcher.await_event("lost")
        pass_time(2 * LIVENESS)
        self.network.mend()
        self.watcher.await_event(lambda event: event["event"] == "joined" and event["worker"] == "far")
        again = self.again()
        print(f"it held {held}: {len(again)} tasks run again")
        self.assertLessEqual(len(again), held)  # fewer, if what it was given last was lost on the way
        self.assertGreater(self.farm.job(self.job)["redone"], 0)
        self.assertLessEqual(max(self.log.begun().values()), 2, "once more is enough")
        self.assertEqual(self.lost(), ["far"])

    def test_what_nobody_else_has_begun_meanwhile_it_keeps(self):
        self.near.end(signal.SIGTERM)
        gate = self.farm.gate()
        self.submit(gate.task.encode())
        gate.await_task()
        self.network.cut()
        self.watcher.await_event("lost")
        self.network.mend()
        self.watcher.await_event(lambda event: event["event"] == "joined" and event["worker"] == "far")
        gate.open()
        self.assertEqual(self.again(), [])
        job = self.farm.job(self.job)
        self.assertEqual((job["done"], job["redone"]), (1, 0))


if __name__ == "__main__":
    try:
        with Network():
            pass
    except OSError as error:
        print(f"skipped: this test may not make networks here ({error}); run it as root, with CAP_NET_ADMIN")
        sys.exit(SKIPPED)
    unittest.main()
