"""zmq-sub --json beside a real broker: one start, steps that never go back, one end, whenever one begins to watch."""
import json
import subprocess
import unittest

from farm import DEADLINE, Farm, numbers
from raw import BIN

HALF = 20_000
RISING = ("total", "done", "failed", "cancelled")


class Watching(unittest.TestCase):
    def setUp(self):
        self.farm = self.enterContext(Farm())
        self.farm.worker("echo-worker")

    def watch(self, *options):
        """A zmq-sub that the broker has answered: it tells the broker's state first."""
        zmq_sub = self.farm.start(f"{BIN}/zmq-sub", "--connect", self.farm.events, "--topic", "broker.", "--topic", "job.", "--json",
                                  *options, stdout=subprocess.PIPE)
        while json.loads(zmq_sub.line())["topic"] != "broker.":
            pass
        return zmq_sub

    def submit(self):
        return self.farm.start_stint("submit", "--kind", "echo", "--name", "two halves", stdin=subprocess.PIPE)

    def write(self, client, first, last):
        client.stdin.write(numbers(first, last))
        client.stdin.flush()

    def end(self, client):
        client.stdin.close()
        self.assertEqual(client.wait(DEADLINE), 0)

    def of_job(self, lines, job=1):
        events = [json.loads(line) for line in lines]
        return [event for event in events if event["topic"] == f"job.{job}."]

    def assert_sound(self, events):
        for event in events:
            with self.subTest(event=event):
                self.assertEqual(event["left"], event["queued"] + event["delayed"] + event["running"])
                self.assertEqual(event["total"], event["left"] + event["done"] + event["failed"] + event["cancelled"])
        for before, after in zip(events, events[1:]):
            self.assertGreater(after["seq"], before["seq"])
            for name in RISING:
                self.assertGreaterEqual(after[name], before[name], (before, after))
        names = [event["event"] for event in events]
        self.assertEqual(names.count("ended"), 1)
        self.assertEqual(names[-1], "ended")
        self.assertEqual((events[-1]["total"], events[-1]["done"], events[-1]["left"]), (2 * HALF, 2 * HALF, 0))
        return names

    def test_from_before_the_start(self):
        zmq_sub = self.watch("--until-end", "two halves")
        client = self.submit()
        self.write(client, 1, 2 * HALF)
        self.end(client)
        lines = zmq_sub.lines()
        self.assertEqual(zmq_sub.returncode, 0)
        events = self.of_job(lines)
        names = self.assert_sound(events)
        self.assertEqual((names[0], names.count("opened"), names.count("started")), ("opened", 1, 1))
        before_start = events[:names.index("started")]
        self.assertEqual(max(event["running"] + event["done"] for event in before_start), 0)
        self.assertIn("progress", names)

    def test_from_the_middle(self):
        client = self.submit()
        watcher = self.farm.watch("job.")
        self.write(client, 1, HALF)
        watcher.await_event(lambda event: event.get("done", 0) > 0)
        zmq_sub = self.farm.start(f"{BIN}/zmq-sub", "--connect", self.farm.events, "--until-end", "1", "--json", stdout=subprocess.PIPE)
        first = json.loads(zmq_sub.line())
        self.assertGreater(first["done"], 0)
        self.write(client, HALF + 1, 2 * HALF)
        self.end(client)
        lines = zmq_sub.lines()
        self.assertEqual(zmq_sub.returncode, 0)
        names = self.assert_sound([first, *self.of_job(lines)])
        # A step of the broker's turn and one of the next may come first; they are as complete.
        self.assertIn("state", names[:3], "who comes late is right at once")
        self.assertEqual(names.count("started"), 0, "the start is past, as the state says")

    def test_from_after_the_end(self):
        client = self.submit()
        self.write(client, 1, 2 * HALF)
        self.end(client)
        self.assertEqual(self.farm.stint("wait", "1")[0], 0)
        zmq_sub = self.farm.start(f"{BIN}/zmq-sub", "--connect", self.farm.events, "--until-end", "1", "--json", stdout=subprocess.PIPE)
        self.assertEqual(self.assert_sound(self.of_job(zmq_sub.lines())), ["ended"])
        self.assertEqual(zmq_sub.returncode, 0)


if __name__ == "__main__":
    unittest.main()
