"""`stint-broker --record FILE`: a run of real processes with faults is stepped through again, and gives the same outputs.

    /usr/bin/python3 tests/e2e/record_test.py --keep FILE      records a small run with faults anew, to be kept (tests/README.md)
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from durable_test import DurableFarm
from farm import QUICK, Farm, numbers
from raw import BIN, DEADLINE, SANITIZED

REPLAY = os.path.join(os.path.dirname(os.path.abspath(BIN)), "tests", "stint-replay")
TASKS = 10_000 if SANITIZED else 100_000
ROUNDS = 10
FLIPS = 40


def replay(path, *options):
    done = subprocess.run([REPLAY, *options, path], capture_output=True, text=True, timeout=10 * DEADLINE)
    return done.returncode, done.stdout, done.stderr


def run_with_faults(farm, tasks):
    """Results of as many tasks; meanwhile workers are killed and stopped, and others take their place. And a job whose tasks fail."""
    workers = [farm.worker("echo-worker", "--slots", "2", "--name", f"w{i}") for i in range(3)]
    # So many are killed that by chance a task may go down with several of them.
    client = farm.start_stint("submit", "--kind", "echo", "--max-losses", str(ROUNDS + 1), "--results", stdin=subprocess.PIPE)
    got = 0
    for i in range(ROUNDS):
        first = i * tasks // ROUNDS
        client.stdin.write(b"".join(b"%d\n" % n for n in range(first, (i + 1) * tasks // ROUNDS)))
        client.stdin.flush()
        while got < first + tasks // ROUNDS // 2:
            if not client.line():
                raise AssertionError(f"the client has ended: {client.said()}")
            got += 1
        workers.pop(0).send_signal(signal.SIGSTOP if i == 1 else signal.SIGKILL)
        workers.append(farm.worker("echo-worker", "--slots", "2", "--name", f"later{i}"))
    client.stdin.close()
    got += len(client.lines())
    farm.worker("obey")
    code, _, _ = farm.stint("submit", "--kind", "obey", "--max-attempts", "2", "--wait", input=b"fail 9\nfail 1\nelse\n")
    return got, client.returncode, code


class Recording(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="stint-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = os.path.join(self.directory, "run.rec")

    def farm(self, *options):
        return Farm(*QUICK, "--record", self.path, *options)

    def test_a_run_with_faults_replays_to_identical_outputs_and_a_changed_byte_is_seen(self):
        with self.farm() as farm:
            got, code, other = run_with_faults(farm, TASKS)
        self.assertEqual((got, code, other), (TASKS, 0, 1))
        code, said, errors = replay(self.path)
        size = os.path.getsize(self.path)
        print(f"{said}{size} bytes")
        self.assertEqual(code, 0, said + errors)
        self.assertIn("identical:", said)
        self.assertIn(f"job 1 ended: {TASKS} done, 0 failed, 0 cancelled", said)
        random.seed(1)
        for _ in range(FLIPS):
            self.flip(random.randrange(min(size, 1 << 20)))  # early ones: a replay goes as far as the first that is changed

    def flip(self, at):
        with open(self.path, "r+b") as file:
            file.seek(at)
            before = file.read(1)
            file.seek(at)
            file.write(bytes([before[0] ^ 1 << at % 8]))
        code, said, errors = replay(self.path)
        self.assertIn(code, (1, 3), f"byte {at} was changed, and nothing was found: {said}{errors}")
        self.assertRegex(said + errors, r"byte \d+|begin with STINTREC")
        with open(self.path, "r+b") as file:
            file.seek(at)
            file.write(before)

    def test_what_a_killed_broker_has_recorded_replays(self):
        with self.farm() as farm:
            farm.worker("echo-worker")
            self.assertEqual(farm.stint("submit", "--kind", "echo", "--wait", input=b"a\nb\nc\n")[0], 0)
            farm.watch("broker.").await_beats(3)  # longer than a record waits in memory
            farm.kill_broker()
        code, said, errors = replay(self.path)
        self.assertEqual(code, 0, said + errors)
        self.assertIn("job 1 ended: 3 done", said)
        self.assertIn("its broker was killed", said)

    def test_a_broker_that_takes_over_what_another_kept_is_recorded_with_it(self):
        with DurableFarm() as farm:
            farm.worker("echo-worker")
            farm.worker("obey")
            kept = farm.submit("--kind", "echo", input=numbers(1, 1000))
            failed = farm.submit("--kind", "obey", "--max-attempts", "1", input=b"fail 9\nelse\n")
            farm.stint("wait", kept)
            farm.stint("wait", failed)
            waiting = farm.submit("--kind", "nobody", input=numbers(1, 10))
            farm.kill_broker()
            farm.options = (*farm.options, "--record", self.path)
            farm.start_broker()
            self.assertEqual(farm.stint("results", kept, "-k")[1], numbers(1, 1000))
            self.assertEqual(farm.stint("retry", failed)[0], 0)
            farm.worker("stint-worker", "--kind", "nobody", "--", "true")
            self.assertEqual(farm.stint("wait", waiting)[0], 0)
        code, said, errors = replay(self.path, "--verbose")
        self.assertEqual(code, 0, said[-1000:] + errors)
        self.assertIn("identical:", said)
        for what in ("restored: 3 jobs", "read back: tasks of job", "read back: results of job"):
            self.assertIn(what, said)

    def test_at_its_bound_a_recording_ends_and_the_broker_goes_on(self):
        with self.farm("--record-bytes", str(1 << 20)) as farm:
            farm.worker("echo-worker")
            lines = b"".join(b"%d\n" % n for n in range(200_000))
            code, output, said = farm.stint("submit", "--kind", "echo", "--results", input=lines)
            self.assertEqual((code, output.count(b"\n")), (0, 200_000), said)
            log = farm.broker.whole_log()
        self.assertIn("has reached its limit of 1048576 bytes (--record-bytes) and ends here; the broker goes on without it", log)
        self.assertLessEqual(os.path.getsize(self.path), 1 << 20)
        code, said, errors = replay(self.path)
        self.assertEqual(code, 0, said + errors)
        self.assertIn("it has reached its limit", said)

    def test_a_file_that_exists_is_not_overwritten(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("precious")
        broker = subprocess.run([f"{BIN}/stint-broker", "--memory", "--listen", "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*",
                                 "--record", self.path], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(broker.returncode, 1)
        self.assertIn("the file exists, and may be a recording that somebody wants; remove it or name another", broker.stderr)
        self.assertEqual(replay(self.path)[0], 3)


def keep(path):
    with Farm(*QUICK, "--record", path) as farm:
        print(run_with_faults(farm, 200))
    print(replay(path)[1])


if __name__ == "__main__":
    if "--keep" in sys.argv:
        keep(sys.argv[-1])
    else:
        unittest.main()
