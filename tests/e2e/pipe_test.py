"""Five million lines through a pipe come back in order, and nobody's memory grows: not even while nobody reads.

The figures are printed. Under a sanitizer there are fewer lines, and memory is not judged.
"""
import contextlib
import os
import select
import subprocess
import time
import unittest

from farm import MIB, SANITIZED, Farm, read_exactly

LINES = 100_000 if SANITIZED else 5_000_000
MOST_RESIDENT = 150 * MIB
SHORT = ["seq", LINES]
LONG = ["seq", "-f", "%0199.0f", LINES]  # 200 bytes with its newline
STILL_SECONDS = 10


class Pipe:
    """`COMMAND | stint submit --kind echo --results -k`, a broker and two workers; the test is who reads."""

    def __init__(self, command):
        self.command = command
        self.cleanup = contextlib.ExitStack()

    def __enter__(self):
        self.farm = self.cleanup.enter_context(Farm("--heartbeat-ms", "2000"))
        self.workers = [self.farm.worker("echo-worker"), self.farm.worker("echo-worker")]
        reading, self.writing = os.pipe()  # the writing end is kept, to see whether it blocks
        self.source = self.farm.start(*self.command, stdout=self.writing)
        self.expected = self.farm.start(*self.command, stdout=subprocess.PIPE)
        self.started = time.monotonic()
        self.client = self.farm.start_stint("submit", "--kind", "echo", "--results", "-k", stdin=reading)
        os.close(reading)
        return self

    def __exit__(self, *error):
        return self.cleanup.__exit__(*error)

    def is_blocked(self):
        _, writable, _ = select.select([], [self.writing], [], 0)
        return not writable

    def read(self, size):
        """Reads what comes back, and compares it; returns how much came."""
        end = False
        done = 0
        while done < size and not end:
            self.client.measure()
            got = read_exactly(self.client.stdout, min(MIB, size - done))
            want = read_exactly(self.expected.stdout, min(MIB, size - done))
            if got != want:
                raise AssertionError(f"after {done} bytes: got {first_difference(got, want)}")
            end = not got
            done += len(got)
        return done

    def read_rest(self):
        os.close(self.writing)
        done = self.read(1 << 40)
        self.seconds = time.monotonic() - self.started
        return done

    def peaks(self):
        return {"broker": self.farm.broker.memory(), "client": self.client.measure(),
                "worker": max(worker.measure() for worker in self.workers)}


def first_difference(got, want):
    for a, b in zip(got.split(b"\n"), want.split(b"\n")):
        if a != b:
            return f"{a!r} instead of {b!r}"
    return f"{len(got)} bytes instead of {len(want)}"


class FiveMillionLines(unittest.TestCase):
    def judge_memory(self, peaks):
        if not SANITIZED:
            for who, bytes_resident in peaks.items():
                self.assertLess(bytes_resident, MOST_RESIDENT, who)

    def end_well(self, pipe, what):
        self.assertEqual(pipe.client.wait(), 0, pipe.client.said())
        job = pipe.farm.job("1")
        self.assertEqual((job["total"], job["done"], job["left"]), (LINES, LINES, 0))
        peaks = pipe.peaks()
        self.judge_memory(peaks)
        resident = ", ".join(f"{who} {most / MIB:.0f} MiB" for who, most in peaks.items())
        print(f"{what}: {LINES} lines in {pipe.seconds:.1f} s ({LINES / pipe.seconds / 1e6:.2f} million/s); at most {resident}", flush=True)

    def test_come_back_in_order(self):
        for what, command in (("short lines", SHORT), ("200-byte lines", LONG)):
            with self.subTest(what), Pipe(command) as pipe:
                pipe.read_rest()
                self.end_well(pipe, what)

    def test_wait_for_a_reader_that_stands_still(self):
        for what, command in (("short lines", SHORT), ("200-byte lines", LONG)):
            with self.subTest(what), Pipe(command) as pipe:
                pipe.read(100_000)
                self.stand_still(pipe)
                self.judge_memory(pipe.peaks())
                pipe.read_rest()
                self.end_well(pipe, what + ", the reader stands still meanwhile")

    def stand_still(self, pipe):
        """Reads nothing until the job has stuck to its counts for ten seconds."""
        watcher = pipe.farm.watch()
        before = self.counts(pipe)
        watcher.await_beats(1)
        while (now := self.counts(pipe)) != before:
            before = now
            watcher.await_beats(1)
        for _ in range(STILL_SECONDS // 2):  # a beat is two seconds
            if not SANITIZED:  # fewer lines than that fit into the windows
                self.assertTrue(pipe.is_blocked(), "the submitter reads on though nobody reads its results")
            watcher.await_beats(1)
            self.assertEqual(self.counts(pipe), before)

    def counts(self, pipe):
        job = pipe.farm.job("1")
        return {name: job[name] for name in ("total", "queued", "running", "done")}


if __name__ == "__main__":
    unittest.main()
