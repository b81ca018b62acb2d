"""Clients ride over the end of the broker, and over their own: nothing is missing, nothing comes twice, and people are told."""
import os
import pty
import select
import signal
import subprocess
import tempfile
import time
import unittest

from farm import BIN, DEADLINE, DurableFarm, numbers, read_exactly

REFUSED = 6
TASKS = 20_000


class Terminal:
    """A program whose output, and its standard error too, is a terminal."""

    def __init__(self, farm, *command):
        self.master, slave = pty.openpty()
        self.process = farm.start("sh", "-c", 'exec "$@" 2>&1', "sh", *command, stdout=slave)
        os.close(slave)
        self.seen = b""

    def see(self, text):
        """Waits until the text comes, behind what was waited for before."""
        until = time.monotonic() + DEADLINE
        while text not in self.seen:
            readable, _, _ = select.select([self.master], [], [], max(0, until - time.monotonic()))
            assert readable, f"{text} is not in {self.seen}"
            self.seen += os.read(self.master, 65536)
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def close(self):
        os.close(self.master)


class ASubmitterThatIsKilledAndRunAgain(unittest.TestCase):
    def test_completes_its_job_without_doubles(self):
        with DurableFarm() as farm, tempfile.NamedTemporaryFile() as tasks:
            farm.worker("echo-worker")
            tasks.write(numbers(1, TASKS))
            tasks.flush()
            command = ["--kind", "echo", "--key", "k", "--wait", "--quiet"]
            first = farm.start_stint("submit", *command, stdin=subprocess.PIPE)
            watcher = farm.watch("job.")
            first.stdin.write(numbers(1, TASKS // 2))  # and there it stands still: not all of its input has come
            first.stdin.flush()
            watcher.await_event(lambda event: event.get("done", 0) > 0)
            first.end(signal.SIGKILL)
            farm.replace_broker()
            code, output, said = farm.stint("submit", *command, tasks.name)
            self.assertEqual((code, output), (0, b"1\n"), said)
            self.assertIn("job 1 goes on; it has ", said)
            job = farm.job("k")
            self.assertEqual((job["total"], job["done"], job["left"]), (TASKS, TASKS, 0))
            self.assertEqual(farm.stint("results", "k", "-k", "-q")[1], numbers(1, TASKS))

    def test_with_other_input_it_is_told_and_the_job_stays_what_it_was(self):
        with DurableFarm() as farm:
            farm.worker("echo-worker")
            submit = ["submit", "--kind", "echo", "--key", "k", "--wait", "--quiet"]
            self.assertEqual(farm.stint(*submit, input=numbers(1, 10))[0], 0)
            before = farm.job("k")
            farm.replace_broker()
            for other, named in ((numbers(2, 11), "the first 10 tasks differ"), (numbers(1, 9), "only 9 were written"),
                                 (numbers(1, 11), "closed with 10 tasks and takes no more: the key belongs to shorter")):
                code, _, said = farm.stint(*submit, input=other)
                self.assertEqual(code, REFUSED, said)
                self.assertIn("job 'k'", said)
                self.assertIn(named, said)
                self.assertIn("use another key", said)
            code, _, said = farm.stint(*submit, "--max-attempts", "7", input=numbers(1, 10))
            self.assertEqual(code, REFUSED)
            self.assertIn("other options", said)
            after = farm.job("k")
            for field in ("total", "done", "digest", "outcomes_digest"):
                self.assertEqual(after[field], before[field], field)


class AReaderThatFollows(unittest.TestCase):
    def test_goes_on_without_a_gap_or_a_double(self):
        with DurableFarm() as farm:
            farm.worker("echo-worker")
            writer = farm.start_stint("submit", "--kind", "echo", "--key", "k", "--quiet", stdin=subprocess.PIPE)
            writer.stdin.write(numbers(1, TASKS // 2))
            writer.stdin.flush()
            farm.watch("job.").await_event(lambda event: event.get("done", 0) > 0)
            reader = farm.start_stint("results", "k", "--follow", "-k", "--quiet")
            had = read_exactly(reader.stdout, 1_000)
            for _ in range(3):
                farm.replace_broker()
                had += read_exactly(reader.stdout, 1_000)
            writer.stdin.write(numbers(TASKS // 2 + 1, TASKS))
            writer.stdin.close()
            had += b"".join(line + b"\n" for line in reader.lines())
            self.assertEqual(reader.returncode, 0, reader.said())
            self.assertEqual(had, numbers(1, TASKS))
            self.assertEqual(writer.wait(DEADLINE), 0, writer.said())


class Bars(unittest.TestCase):
    def test_say_reconnecting_while_the_broker_is_away_and_go_on(self):
        with DurableFarm() as farm:
            gate = farm.gate()
            farm.worker("obey")
            job = farm.submit("--kind", "obey", input=b"a\nb\n" + gate.task.encode() + b"\n")
            gate.await_task()
            bars = [Terminal(farm, f"{BIN}/stint", "wait", "--broker", farm.listen, job),
                    Terminal(farm, f"{BIN}/zmq-sub", "--connect", farm.events, "--until-end", job)]
            for bar in bars:
                self.addCleanup(bar.close)
                bar.see(b"2/3 66% run 1")
            farm.kill_broker()
            for bar in bars:
                bar.see(b"2/3 66% reconnecting")
            farm.start_broker()
            for bar in bars:
                bar.see(b"2/3 66% run 1")
            gate.open()
            for bar in bars:
                bar.see(b"3 done of 3")
                self.assertEqual(bar.process.wait(DEADLINE), 0)


if __name__ == "__main__":
    unittest.main()
