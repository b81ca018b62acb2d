"""Workers are asked to leave, and nothing is run again for it. Row 36 of the list of faults: a command said twice."""
import unittest

from farm import DEADLINE, Farm
from raw import CLIENT, Peer

TASKS = 400


class Drained(unittest.TestCase):
    """Five busy workers, of which some are drained while a job runs."""

    def setUp(self):
        self.farm = self.enterContext(Farm())
        self.log = self.farm.run_log()
        self.workers = {name: self.farm.worker("obey", "--name", name, "--slots", "2", env=self.log.env) for name in "abcde"}
        self.farm.await_workers(5)
        self.watcher = self.farm.watch("job.", "worker.")
        self.job = self.farm.submit("--kind", "obey", input=b"take 20\n" * TASKS)
        self.watcher.await_event(lambda event: event.get("done", 0) >= 20)  # everybody is busy by now

    def drain(self, *arguments):
        code, output, said = self.farm.stint("drain", *arguments)
        self.assertEqual(code, 0, said)
        return output.decode().split()

    def assert_left(self, names, others=()):
        """Exactly these of the five leave with exit code 0, and every task is run exactly once."""
        for name in names:
            self.assertEqual(self.workers[name].wait(DEADLINE), 0, self.workers[name].said())
        self.assertEqual(self.farm.stint("wait", self.job, "-q")[0], 0)
        self.assertEqual({row["worker"] for row in self.farm.rows("workers")}, set(self.workers) - set(names))
        self.assertEqual([name for name, worker in self.workers.items() if worker.poll() is not None], sorted(names))
        job = self.farm.job(self.job)
        self.assertEqual((job["done"], job["redone"], job["losses"]), (TASKS, 0, 0))
        self.assertEqual(set(self.log.begun().values()), {1})
        self.watcher.catch_up()
        left = [event["worker"] for event in self.watcher.heard if event["event"] == "left"]
        self.assertEqual(sorted(left), sorted([*names, *others]))

    def test_by_count(self):
        drained = self.drain("--count", "2")
        self.assertEqual(len(set(drained)), 2)
        self.assert_left(sorted(drained))

    def test_by_name(self):
        self.assertEqual(self.drain("c"), ["c"])
        self.assert_left(["c"])

    def test_by_kind(self):
        other = self.farm.worker("stint-worker", "--kind", "other", "--name", "f", "--", "true")
        self.farm.await_workers(6)
        self.assertEqual(self.drain("--kind", "other"), ["f"])
        self.assertEqual(other.wait(DEADLINE), 0, other.said())
        self.assert_left([], others=["f"])

    def test_row_36_repeated_after_a_reconnect_it_drains_no_more(self):
        command = dict(req=7, verb="drain", count=2)
        with Peer(self.farm.listen) as peer:
            peer.greet(role=CLIENT, name="ann")
            peer.say("COMMAND", **command)
            first = peer.hear("DONE")["affected"]
        with Peer(self.farm.listen) as again:  # another connection of the same program
            again.incarnation, again.hello_no = peer.incarnation, peer.hello_no
            again.greet(role=CLIENT, name="ann")
            again.say("COMMAND", **command)
            self.assertEqual(again.hear("DONE")["affected"], first)
        self.assertEqual(len(first), 2)
        self.assert_left(sorted(first))


class PastItsDeadline(unittest.TestCase):
    def test_the_worker_says_how_many_results_it_kept_and_others_run_the_rest(self):
        with Farm() as farm:
            worker = farm.worker("obey", "--name", "ada", "--slots", "2")
            farm.await_workers(1)
            watcher = farm.watch("job.", "worker.")
            job = farm.submit("--kind", "obey", "--backoff", "0.1", input=b"take 600000\n")
            watcher.await_event(lambda event: event.get("running") == 1)
            self.assertEqual(farm.stint("drain", "ada", "--timeout", "0.2")[:2], (0, b"ada\n"))
            self.assertEqual(worker.wait(DEADLINE), 0, worker.said())
            self.assertIn("the drain's deadline is over: 0 results kept, 1 task stopped and given back", worker.said())
            self.assertIn("0 results kept, 1 task", watcher.await_event("left")["reason"])
            listed = farm.job(job)
            self.assertEqual((listed["queued"], listed["redone"], listed["losses"]), (1, 0, 0))
            self.assertEqual(farm.stint("cancel", job)[0], 0)


if __name__ == "__main__":
    unittest.main()
