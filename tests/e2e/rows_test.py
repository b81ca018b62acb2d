"""Rows of the project's list of faults that need a whole farm. Each class is named for its row."""
import json
import os
import select
import signal
import subprocess
import tempfile
import unittest

from farm import BIN, DEADLINE, MIB, SANITIZED, Farm, numbers, read_exactly

MANY = 100_000


class Row12AWorkerIsKilledInMidTask(unittest.TestCase):
    def test_another_runs_it_again_as_its_second_attempt(self):
        with Farm() as farm:
            gate = farm.gate()
            first = farm.worker("obey", "--name", "first")
            client = farm.start_stint("submit", "--kind", "obey", "--results", "--json", stdin=subprocess.PIPE)
            client.stdin.write(gate.task.encode())
            client.stdin.close()
            gate.await_task()
            first.end(signal.SIGKILL)
            farm.worker("obey", "--name", "second")
            gate.await_task()
            gate.open()
            result = json.loads(client.stdout.read())
            self.assertEqual((result["state"], result["attempt"], result["worker"]), ("done", 2, "second"))
            self.assertEqual(client.wait(DEADLINE), 0)
            job = farm.job("1")
            self.assertEqual((job["total"], job["done"], job["redone"], job["losses"]), (1, 1, 1, 1))


class Row17NobodyOffersTheKind(unittest.TestCase):
    def test_it_stays_queued_and_everybody_says_why(self):
        with Farm() as farm:
            watcher = farm.watch("job.")
            job = farm.submit("--kind", "unheard-of", input=b"1\n2\n3\n")
            stalled = watcher.await_event("stalled")
            self.assertIn("unheard-of", stalled["reason"])
            listed = farm.rows("jobs")[0]
            self.assertEqual((listed["queued"], listed["running"], listed["left"]), (3, 0, 3))
            self.assertIn("unheard-of", listed["reason"])
            self.assertIn(b"unheard-of", farm.stint("jobs")[1])
            farm.worker("stint-worker", "--kind", "unheard-of", "--", "echo")
            watcher.await_event("ended")
            self.assertEqual(farm.stint("results", job, "-k")[1], b"1\n2\n3\n")


class Row19TheBrokerIsKilledInMemoryMode(unittest.TestCase):
    def test_clients_are_told_and_nothing_is_counted_for_the_next_job_of_that_number(self):
        with Farm() as farm:
            gate = farm.gate()
            worker = farm.worker("obey", "--name", "ada")
            zmq_sub = farm.start(f"{BIN}/zmq-sub", "--connect", farm.events, "--topic", "job.", "--json", stdout=subprocess.PIPE)
            watched = farm.watch("job.", "worker.")
            client = farm.start_stint("submit", "--kind", "obey", "--results", stdin=subprocess.PIPE)
            client.stdin.write(gate.task.encode() + b"\nanother\n")
            client.stdin.close()
            gate.await_task()
            watched.await_event("started")
            first = json.loads(zmq_sub.line())  # it knows the old broker's job
            farm.kill_broker()
            farm.start_broker()
            self.assertEqual(client.wait(DEADLINE), 6, client.said())
            self.assertIn("job 1", client.said())
            farm.await_worker("ada")
            job = farm.submit("--kind", "obey", input=b"a\nb\nc\n")
            self.assertEqual(job, "1")
            watched = farm.watch_job(job)
            gate.open()  # the old tasks of the old job 1 end now
            watched.await_event(lambda event: event["event"] == "ended" or event.get("state") == "ended")
            self.assertEqual(farm.stint("results", job, "-k")[1], b"a\nb\nc\n")
            counts = farm.job(job)
            self.assertEqual((counts["total"], counts["done"], counts["redone"]), (3, 3, 0))
            self.assertIsNone(worker.poll(), "the worker goes on with the new broker")
            self.watcher_has_started_afresh(zmq_sub, first["store"])

    def watcher_has_started_afresh(self, zmq_sub, store):
        ends, stores = [], [store]
        while not ends:
            line = json.loads(zmq_sub.line())
            if line["store"] not in stores:
                stores.append(line["store"])
            if line["event"] == "ended":
                ends.append(line)
        self.assertEqual(len(stores), 2)
        self.assertEqual((ends[0]["store"], ends[0]["done"]), (stores[1], 3))


class Row29AClientIsKilledWithResultsWaiting(unittest.TestCase):
    def test_the_same_key_goes_on_where_it_was(self):
        with Farm() as farm, tempfile.NamedTemporaryFile() as tasks:
            farm.worker("echo-worker")
            tasks.write(numbers(1, MANY))
            tasks.flush()
            command = ["--kind", "echo", "--key", "k", "--results", "-k", "--quiet", tasks.name]
            first = farm.start_stint("submit", *command)
            had = read_exactly(first.stdout, MANY)  # bytes: some 17,000 lines
            first.end(signal.SIGKILL)
            had += first.stdout.read()
            code, rest, said = farm.stint("submit", *command)
            self.assertEqual(code, 0, said)
            lines = rest.splitlines()
            self.assertEqual(rest, numbers(int(lines[0]), MANY))
            self.assertGreater(int(lines[0]), 1, "it starts from the beginning though most was acknowledged")
            whole = had[:had.rfind(b"\n") + 1].splitlines()  # its last line may be torn
            self.assertEqual(whole, [b"%d" % i for i in range(1, len(whole) + 1)])
            self.assertLessEqual(int(lines[0]), len(whole) + 1, "results are lost between the two")
            self.assertEqual(farm.job("k")["done"], MANY)


class Row31SigtermUnderLoad(unittest.TestCase):
    def test_it_ends_well_and_everybody_finds_the_next_one(self):
        with Farm() as farm:
            farm.worker("echo-worker", "--name", "ada")
            load = farm.start("yes", stdout=subprocess.PIPE)
            client = farm.start_stint("submit", "--kind", "echo", "--results", "-k", stdin=load.stdout)
            self.assertEqual(read_exactly(client.stdout, MIB), b"y\n" * (MIB // 2))
            farm.broker.signal(signal.SIGTERM)
            while client.stdout in select.select([client.stdout], [], [], 0)[0] and os.read(client.stdout.fileno(), MIB):
                pass
            self.assertEqual(farm.broker.wait(), 0)
            farm.start_broker()
            client.stdout.read()
            self.assertEqual(client.wait(DEADLINE), 6, client.said())
            farm.await_worker("ada")
            self.assertEqual(farm.stint("submit", "--kind", "echo", "--results", "-q", input=b"again\n"), (0, b"again\n", ""))


class Row34UnixTool(unittest.TestCase):
    """Large and endless input; the small ones are in stint_test.py."""

    @classmethod
    def setUpClass(cls):
        cls.farm = cls.enterClassContext(Farm())
        cls.farm.worker("echo-worker")

    def test_the_longest_line_passes_unchanged_with_every_byte_in_it(self):
        line = bytes(byte for byte in range(256) if byte != 10).ljust(8 * MIB, b"\r") + b"\n"
        self.assertEqual(self.farm.stint("submit", "--kind", "echo", "--results", "-q", input=line), (0, line, ""))

    def test_a_line_of_20_megabytes_is_refused_by_its_number(self):
        code, output, said = self.farm.stint("submit", "--kind", "echo", "--results", "-k", "-q",
                                             input=b"a\nb\n" + b"x" * 20_000_000 + b"\nc\n")
        self.assertEqual((code, output), (6, b"a\nb\n"))
        self.assertIn("line 3", said)
        self.assertIn(str(8 * MIB), said)

    def start_endless(self, *options, kind="echo"):
        endless = self.farm.start("yes", stdout=subprocess.PIPE)
        watcher = self.farm.watch("job.")
        client = self.farm.start_stint("submit", "--kind", kind, "--results", *options, stdin=endless.stdout)
        endless.stdout.close()
        return client, watcher, watcher.await_event("opened")["job"]

    def test_a_reader_that_leaves_ends_it_quietly(self):
        client, watcher, job = self.start_endless()
        self.assertEqual(read_exactly(client.stdout, 2), b"y\n")
        client.stdout.close()
        self.assertEqual((client.wait(DEADLINE), client.said()), (0, ""))
        ended = watcher.await_event("ended")
        self.assertEqual((ended["job"], ended["outcome"]), (job, "cancelled"))

    def test_a_reader_that_leaves_before_there_is_anything_to_read(self):
        client, watcher, _ = self.start_endless(kind="unheard-of")
        client.stdout.close()
        self.assertEqual((client.wait(DEADLINE), client.said()), (0, ""))
        self.assertEqual(watcher.await_event("ended")["outcome"], "cancelled")


class Row35TheFirstTaskWaitsInBackoff(unittest.TestCase):
    BACKOFF = "20" if SANITIZED else "4"
    WINDOW = 65_536  # results beyond what the reader has

    def test_the_job_stalls_within_its_window_then_goes_on_in_order(self):
        with Farm() as farm:
            worker = farm.worker("obey")
            watcher = farm.watch("job.")
            lines = b"fail 1\n" + numbers(2, 2 * MANY)
            client = farm.start_stint("submit", "--kind", "obey", "--results", "-k", "--backoff", self.BACKOFF, stdin=subprocess.PIPE)
            client.stdin.write(lines)
            client.stdin.close()
            stalled = watcher.await_event("stalled")
            self.assertEqual((stalled["done"], stalled["delayed"], stalled["running"]), (self.WINDOW - 1, 1, 0))
            at_stall = farm.broker.memory()
            self.assertEqual(client.stdout.read(), lines)
            self.assertEqual(client.wait(DEADLINE), 0)
            self.assertEqual(farm.job("1")["redone"], 1)
            if not SANITIZED:
                self.assertLess(farm.broker.memory() - at_stall, 16 * MIB)
                self.assertLess(max(farm.broker.memory(), client.peak, worker.measure()), 64 * MIB)


class Row38TwoReadersOfAStreamingJob(unittest.TestCase):
    LINES = 60_000  # all of them fit into the windows, so that nobody has to read before they are submitted

    def test_the_newest_has_it_and_the_displaced_one_is_told(self):
        with Farm() as farm:
            farm.worker("echo-worker")
            watcher = farm.watch("job.")
            paths = farm.proxy(), farm.proxy()
            older = farm.start_stint("submit", "--kind", "echo", "--results", "-k", "-q", "--detach", broker=paths[0].endpoint,
                                     stdin=subprocess.PIPE)
            older.stdin.write(numbers(1, self.LINES))
            older.stdin.close()
            had = read_exactly(older.stdout, 1000)
            watcher.await_event(lambda event: event.get("state") == "closed" or event["event"] == "ended")
            paths[0].cut()
            newer = farm.start_stint("results", "1", "--follow", "-k", "-q", broker=paths[1].endpoint)
            got = read_exactly(newer.stdout, 1000)
            paths[1].cut()
            paths[0].mend()
            paths[1].mend()
            got += newer.stdout.read()
            had += older.stdout.read()
            self.assertEqual(newer.wait(DEADLINE), 0, newer.said())
            self.assertEqual(older.wait(DEADLINE), 6, older.said())
            for reader in (newer, older):
                self.assertIn("is back", reader.said(), "it was not cut off")
            self.assertIn("taken over", older.said())
            first = int(got.split(b"\n", 1)[0])
            self.assertEqual(got, numbers(first, self.LINES))
            self.assertEqual(had, numbers(1, had.count(b"\n")))
            self.assertLessEqual(first, had.count(b"\n") + 1, "results are lost between the two")
            job = farm.job("1")
            self.assertEqual((job["done"], job["unread"]), (self.LINES, 0))


class Row40NobodyReads(unittest.TestCase):
    def test_100000_lines_are_accepted_run_and_kept(self):
        with Farm() as farm:
            farm.worker("echo-worker")
            job = farm.submit("--kind", "echo", input=numbers(1, MANY))
            self.assertEqual(farm.stint("wait", job)[0], 0)
            for _ in range(2):
                self.assertEqual(farm.stint("results", job, "-k", "-q"), (0, numbers(1, MANY), ""))
            self.assertEqual(farm.stint("forget", job)[0], 0)
            self.assertEqual(farm.stint("job", job)[0], 6)


if __name__ == "__main__":
    unittest.main()
