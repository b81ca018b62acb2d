"""A broker that keeps its jobs on disk: its end is a non-event. Each class is named for its row of the list of faults.

A task of ten minutes stands at a gate here, and takes no longer than the test does; with STINT_REAL_MINUTES=1 it takes ten minutes.
"""
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from farm import BIN, DEADLINE, QUICK, DurableFarm, check, numbers, pass_time, read_exactly

TASKS = 20_000
KILLS = 5
REAL = bool(os.environ.get("STINT_REAL_MINUTES"))
MINUTES = 10 if REAL else 0


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
            watcher.await_event(lambda event: event.get("state") == "paused")  # it may be heard as what stands, by who comes back late
            self.assertIn("2 tasks failed, more than max_failures (1)", farm.job("1")["reason"])


class Row29AClientIsKilledWithResultsWaiting(unittest.TestCase):
    def test_the_same_key_goes_on_where_it_was_though_the_broker_was_killed_too(self):
        with DurableFarm() as farm, tempfile.NamedTemporaryFile() as tasks:
            farm.worker("echo-worker")
            tasks.write(numbers(1, 5 * TASKS))
            tasks.flush()
            command = ["--kind", "echo", "--key", "k", "--results", "-k", "--quiet", tasks.name]
            watcher = farm.watch("job.")
            first = farm.start_stint("submit", *command)
            had = read_exactly(first.stdout, 5 * TASKS)  # bytes: some 17,000 lines
            watcher.await_event(lambda event: event.get("done", 0) > event.get("unread", 0))  # some are acknowledged
            watcher.await_beats(1)
            first.end(signal.SIGKILL)
            had += first.stdout.read()
            farm.replace_broker()
            code, rest, said = farm.stint("submit", *command)
            self.assertEqual(code, 0, said)
            begins = int(rest.split(b"\n", 1)[0])
            self.assertEqual(rest, numbers(begins, 5 * TASKS))
            self.assertGreater(begins, 1, "it starts from the beginning though most was acknowledged")
            whole = had[:had.rfind(b"\n") + 1]  # its last line may be torn
            self.assertEqual(whole, numbers(1, whole.count(b"\n")))
            self.assertLessEqual(begins, whole.count(b"\n") + 1, "results are lost between the two")
            self.assertEqual(farm.job("k")["done"], 5 * TASKS)


class WhatIsThereOfAJobThatGoesOn(unittest.TestCase):
    """It is read from the disk a few megabytes at a time, which takes longer than a question for how the job stands."""

    def test_all_of_it_is_read_in_order_however_often(self):
        lines = b"".join(b"%d %s\n" % (n, 500 * b"x") for n in range(TASKS))
        with DurableFarm() as farm:
            farm.worker("echo-worker")
            client = farm.start_stint("submit", "--kind", "echo", "--wait", stdin=subprocess.PIPE)
            watcher = farm.watch("job.")
            client.stdin.write(lines)
            client.stdin.flush()
            watcher.await_event(lambda event: event.get("done") == TASKS)
            for _ in range(3):
                code, read, said = farm.stint("results", "1", "-k")
                self.assertEqual((code, read == lines), (0, True), f"{read.count(b'x')} bytes: {said}")
            client.stdin.close()


class Row39YesterdaysCopy(unittest.TestCase):
    """The directory is put back while clients and a worker are at work: what they have from after the copy is of no worth."""

    def setUp(self):
        self.farm = self.enterContext(DurableFarm())
        self.gate = self.farm.gate()
        self.worker = self.farm.worker("obey", "--slots", "3")

    def start_submit(self, key, *options):
        return self.farm.start_stint("submit", "--kind", "obey", "--key", key, "--quiet", *options, stdin=subprocess.PIPE)

    def feed(self, client, first, last):
        client.stdin.write(numbers(first, last))
        client.stdin.flush()

    def await_done(self, key, count):
        is_there = lambda event: event.get("key") == key and event.get("done") == count
        watcher = self.farm.watch("job.")
        if not any(map(is_there, watcher.heard)):
            watcher.await_event(is_there)

    def put_back(self, copy):
        self.farm.kill_broker()
        shutil.rmtree(self.farm.data.name)
        shutil.copytree(copy, self.farm.data.name)
        self.farm.start_broker()

    def test_submitters_go_on_or_are_told_and_what_runs_from_the_future_counts_for_nobody(self):
        stream, steady = self.start_submit("stream", "--results", "-k"), self.start_submit("steady", "--wait")
        self.feed(stream, 1, 1_000)
        self.feed(steady, 1, 10)
        read = [stream.line() for _ in range(1_000)]
        self.await_done("steady", 10)
        its_last = self.farm.gate("its-last")
        is_closed = lambda event: event.get("key") == "stream" and event.get("state") == "closed"
        with tempfile.TemporaryDirectory() as yesterday:
            copy = os.path.join(yesterday, "copy")
            self.farm.kill_broker()
            shutil.copytree(self.farm.data.name, copy)
            self.farm.start_broker()
            self.feed(stream, 1_001, 2_000)
            read += [stream.line() for _ in range(1_000)]
            self.assertEqual(b"".join(read), numbers(1, 2_000))
            watcher = self.farm.watch("job.")
            stream.stdin.write(its_last.task.encode())
            stream.stdin.close()
            its_last.await_task()
            if not any(map(is_closed, watcher.heard)):
                watcher.await_event(is_closed)  # and so is the submitter told that all was accepted
            self.assertEqual(self.farm.submit("--kind", "obey", input=self.gate.task.encode()), "3")
            self.gate.await_task()
            waiting = self.farm.start_stint("wait", "3")
            self.put_back(copy)
        self.assertEqual(stream.wait(DEADLINE), 6, stream.said())
        self.assertIn("put back from a copy", stream.said())
        self.assertEqual(waiting.wait(DEADLINE), 6, waiting.said())
        self.feed(steady, 11, 20)
        steady.stdin.close()
        self.assertEqual(steady.wait(DEADLINE), 0, steady.said())
        self.assertEqual(self.farm.submit("--kind", "obey", input=b"a\nb\n"), "3")  # another job of that number
        its_last.open()
        self.gate.open()  # now the task of the first one ends
        self.assertEqual(self.farm.stint("wait", "3")[0], 0)
        self.assertEqual(self.farm.stint("results", "3", "-k", "-q")[1], b"a\nb\n")
        code, rest, said = self.farm.stint("submit", "--kind", "obey", "--key", "stream", "--results", "-k", "-q", input=numbers(1, 2_000))
        self.assertEqual(code, 0, said)
        begins = int(rest.split(b"\n", 1)[0])
        self.assertLessEqual(begins, 1_001)
        self.assertEqual(rest, numbers(begins, 2_000))
        for job, count in (("stream", 2_000), ("steady", 20), ("3", 2)):
            told = self.farm.job(job)
            self.assertEqual((told["total"], told["done"], told["left"]), (count, count, 0), job)
        self.assertIsNone(self.worker.poll())


class ATaskOfTenMinutes(unittest.TestCase):
    def test_outlives_two_brokers_and_runs_once(self):
        """One dies in its middle, the next one before its end, so that it ends when nobody is there to hear of it."""
        with DurableFarm(*(("--heartbeat-ms", "2000") if REAL else QUICK)) as farm:
            gate, log, watcher = farm.gate(), farm.run_log(), farm.watch("job.")
            worker = farm.worker("obey", "--name", "ada", env=log.env)
            task = f"take {MINUTES * 60_000}" if REAL else gate.task
            job = farm.submit("--kind", "obey", input=task.encode() + b"\n")
            watcher.await_event(lambda event: event.get("running") == 1)
            if not REAL:
                gate.await_task()
            pass_time(MINUTES * 30)
            farm.replace_broker()
            watcher.await_event(lambda event: event["epoch"] == 2 and event.get("running") == 1)
            pass_time(MINUTES * 30 - 30 * REAL)
            farm.kill_broker()
            gate.open()
            pass_time(60 * REAL)
            farm.start_broker()
            self.assertEqual(farm.stint("wait", job)[0], 0)
            told = farm.job(job)
            self.assertEqual((told["total"], told["done"], told["redone"], told["losses"]), (1, 1, 0, 0))
            self.assertEqual(farm.stint("results", job, "-q"), (0, task.encode() + b"\n", ""))
            self.assertEqual([what for what, *_ in log.lines()], ["begin", "end"])
            self.assertIsNone(worker.poll())


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
