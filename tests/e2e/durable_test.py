"""A broker that keeps its jobs on disk: its end is a non-event. Each class is named for its row of the list of faults."""
import os
import signal
import subprocess
import tempfile
import unittest

from farm import BIN, DEADLINE, QUICK, Farm, numbers

TASKS = 20_000
KILLS = 5


def check(directory):
    """What stint-broker --check says of it: exit code and text."""
    done = subprocess.run([f"{BIN}/stint-broker", "--check", directory], capture_output=True, text=True, timeout=DEADLINE)
    return done.returncode, done.stdout + done.stderr


class DurableFarm(Farm):
    def __init__(self):
        self.data = tempfile.TemporaryDirectory(prefix="stint-data-")
        super().__init__(*QUICK, "--data", self.data.name)

    def __exit__(self, *error):
        super().__exit__(*error)
        self.data.cleanup()

    def replace_broker(self):
        self.kill_broker()
        self.start_broker()


class Row18TheBrokerIsKilled(unittest.TestCase):
    def test_a_stream_goes_on_and_ends_as_if_nothing_had_happened(self):
        with DurableFarm() as farm:
            worker = farm.worker("echo-worker", "--slots", "4")
            client = farm.start_stint("submit", "--kind", "echo", "--results", "-k", stdin=subprocess.PIPE)
            lines = numbers(1, TASKS).splitlines(keepends=True)
            share = TASKS // (KILLS + 1)
            read = []
            for kill in range(KILLS + 1):
                client.stdin.write(b"".join(lines[kill * share:(kill + 1) * share if kill < KILLS else TASKS]))
                client.stdin.flush()
                if kill < KILLS:
                    read += [client.line() for _ in range(share // 2)]  # in the midst of it
                    farm.replace_broker()
            client.stdin.close()
            read += [line + b"\n" for line in client.lines()]
            self.assertEqual(client.returncode, 0, client.said())
            self.assertEqual(read, lines)
            self.assertIsNone(worker.poll())
            job = farm.job("1")
            self.assertEqual((job["total"], job["done"], job["left"], job["failed"]), (TASKS, TASKS, 0, 0))

    def test_what_runs_meanwhile_runs_once_and_is_counted_once(self):
        with DurableFarm() as farm:
            gate, log = farm.gate(), farm.run_log()
            worker = farm.worker("obey", "--name", "ada", env=log.env)
            job = farm.submit("--kind", "obey", input=gate.task.encode() + b"\n")
            gate.await_task()
            farm.kill_broker()
            gate.open()  # it ends while nobody is there to hear of it
            farm.start_broker()
            self.assertEqual(farm.stint("wait", job)[0], 0)
            told = farm.job(job)
            self.assertEqual((told["total"], told["done"], told["redone"], told["losses"]), (1, 1, 0, 0))
            self.assertEqual(set(log.begun().values()), {1})
            self.assertIsNone(worker.poll())

    def test_what_was_kept_is_the_same_afterwards(self):
        with DurableFarm() as farm:
            farm.worker("echo-worker")
            job = farm.submit("--kind", "echo", input=numbers(1, 1000))
            self.assertEqual(farm.stint("wait", job)[0], 0)
            before = farm.job(job)
            farm.replace_broker()
            after = farm.job(job)
            for field in ("state", "total", "done", "failed", "digest", "outcomes_digest"):
                self.assertEqual(after[field], before[field], field)
            self.assertEqual(farm.stint("results", job, "-k")[1], numbers(1, 1000))

    def test_a_paused_job_stays_paused_and_its_tasks_wait(self):
        with DurableFarm() as farm:
            job = farm.submit("--kind", "echo", input=numbers(1, 10))
            self.assertEqual(farm.stint("pause", job)[0], 0)
            farm.replace_broker()
            farm.worker("echo-worker", "--name", "ada")
            farm.await_worker("ada")
            self.assertEqual((farm.job(job)["state"], farm.job(job)["queued"]), ("paused", 10))
            self.assertEqual(farm.stint("resume", job)[0], 0)
            self.assertEqual(farm.stint("wait", job)[0], 0)
            self.assertEqual(farm.job(job)["done"], 10)


    def test_failures_from_before_count_for_max_failures(self):
        with DurableFarm() as farm:
            farm.worker("obey")
            watcher = farm.watch_job("1")
            client = farm.start_stint("submit", "--kind", "obey", "--max-attempts", "1", "--max-failures", "1", stdin=subprocess.PIPE)
            client.stdin.write(b"fail 1\n")
            client.stdin.flush()
            watcher.await_event(lambda event: event.get("failed") == 1)
            farm.replace_broker()
            client.stdin.write(b"fail 1\n")
            client.stdin.flush()
            watcher.await_event("paused")
            self.assertIn("2 tasks failed, more than max_failures (1)", farm.job("1")["reason"])


class Row24TwoBrokersOnOneDirectory(unittest.TestCase):
    def test_the_second_names_the_first_and_ends(self):
        with DurableFarm() as farm:
            second = subprocess.run([f"{BIN}/stint-broker", "--data", farm.data.name, "--listen", "tcp://127.0.0.1:*", "--events",
                                     "tcp://127.0.0.1:*"], capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual(second.returncode, 1)
            self.assertIn(f"process {farm.broker.process.pid}", second.stderr)
            self.assertEqual(check(farm.data.name)[0], 1)


class Row23NoStore(unittest.TestCase):
    def test_another_file_of_that_name_is_refused_and_left_as_it_is(self):
        with tempfile.TemporaryDirectory(prefix="stint-data-") as directory:
            path = os.path.join(directory, "stint.db")
            with open(path, "wb") as file:
                file.write(b"not a store" * 1000)
            code, said = check(directory)
            self.assertEqual(code, 1)
            self.assertIn(path, said)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), b"not a store" * 1000)


class ACheck(unittest.TestCase):
    def test_says_what_is_in_a_directory(self):
        farm = DurableFarm()
        with tempfile.TemporaryDirectory() as copy:
            with farm:
                farm.worker("echo-worker")
                job = farm.submit("--kind", "echo", input=numbers(1, 100))
                self.assertEqual(farm.stint("wait", job)[0], 0)
                farm.kill_broker()
                for name in os.listdir(farm.data.name):
                    with open(os.path.join(farm.data.name, name), "rb") as source, open(os.path.join(copy, name), "wb") as target:
                        target.write(source.read())
                farm.start_broker()
            code, said = check(copy)
            self.assertEqual(code, 0, said)
            self.assertIn("100", said)


if __name__ == "__main__":
    unittest.main()
