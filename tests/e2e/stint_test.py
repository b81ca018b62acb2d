"""The command line as people and scripts use it: pipes, exit codes, listings, steering."""
import json
import os
import pty
import select
import signal
import subprocess
import time
import unittest

from farm import BIN, DEADLINE, Farm, numbers

FAILED, USAGE, CANCELLED, UNREACHABLE, TIMEOUT, REFUSED, INTERRUPTED = 1, 2, 3, 4, 5, 6, 130


class WithFarm(unittest.TestCase):
    workers = ("echo-worker",)

    def setUp(self):
        self.farm = Farm()
        self.farm.__enter__()
        self.addCleanup(self.farm.__exit__, None, None, None)
        for program in self.workers:
            self.farm.worker(program, "--name", f"{program}-1", "--slots", "2")

    def echoed(self, *options, input):
        code, output, said = self.farm.stint("submit", "--kind", "echo", "--results", "-k", "--quiet", *options, input=input)
        self.assertEqual((code, said), (0, ""))
        return output

    def fails(self, code, *arguments, input=b"", saying=""):
        """Runs stint; returns its output."""
        got, output, said = self.farm.stint(*arguments, input=input)
        self.assertEqual(got, code, said)
        self.assertIn(saying, said)
        return output

    def await_job(self, number):
        """Waits until the job is there."""
        is_there = lambda event: event["topic"] == f"job.{number}." and event["event"] != "unknown"
        watcher = self.farm.watch_job(number)
        if not any(map(is_there, watcher.heard)):
            watcher.await_event(is_there)

    def await_ended(self, watcher):
        is_over = lambda event: event["event"] == "ended" or event.get("state") in ("ended", "cancelled")
        return next(filter(is_over, watcher.heard), None) or watcher.await_event(is_over)


class Lines(WithFarm):
    def test_bytes_pass_unchanged(self):
        self.assertEqual(self.echoed(input=b"a\nb\n"), b"a\nb\n")
        self.assertEqual(self.echoed(input=b"a\nb"), b"a\nb\n")
        self.assertEqual(self.echoed(input=b"a\r\n\n\0\xff\n"), b"a\r\n\n\0\xff\n")

    def test_nul_separated(self):
        self.assertEqual(self.echoed("-0", input=b"a\nb\0c"), b"a\nb\0c\0")

    def test_no_tasks_at_all(self):
        self.assertEqual(self.echoed(input=b""), b"")
        self.assertEqual(self.farm.job("1")["state"], "ended")

    def test_a_file_instead_of_a_pipe(self):
        path = os.path.join(self.farm.directory, "tasks")
        with open(path, "wb") as file:
            file.write(b"1\n2\n")
        self.assertEqual(self.echoed(path, input=b"not this"), b"1\n2\n")
        self.fails(USAGE, "submit", "--kind", "echo", path + "x", saying="tasksx")

    def test_a_line_over_the_limit_is_named_and_nothing_before_it_is_lost(self):
        output = self.fails(REFUSED, "submit", "--kind", "echo", "--results", "-k", input=b"a\nb\n" + b"x" * (9 << 20) + b"\nc\n", saying="line 3 ")
        self.assertEqual(output, b"a\nb\n")

    def test_large_lines(self):
        line = b"y" * (7 << 20) + b"\n"
        self.assertEqual(self.echoed(input=line * 3), line * 3)

    def test_results_come_while_the_input_is_open(self):
        process = self.farm.start_stint("submit", "--kind", "echo", "--results", stdin=subprocess.PIPE)
        for line in (b"one\n", b"two\n"):
            process.stdin.write(line)
            process.stdin.flush()
            self.assertTrue(select.select([process.stdout], [], [], DEADLINE)[0])
            self.assertEqual(os.read(process.stdout.fileno(), 100), line)
        process.stdin.close()
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_json_has_everything(self):
        output = self.echoed("--json", input=b"a\"\n\xff\n")
        rows = [json.loads(line) for line in output.splitlines()]
        self.assertEqual([list(row) for row in rows], [
            ["job", "index", "state", "attempt", "worker", "seconds", name, "error", "exit", "signal"] for name in ("result", "result_b64")])
        self.assertEqual((rows[0]["result"], rows[1]["result_b64"], rows[0]["worker"]), ('a"', "/w==", "echo-worker-1"))


class Leaving(WithFarm):
    workers = ("obey", "echo-worker")

    def head(self, *options):
        """`seq | stint submit --results | head -1`; returns how stint ended, and the job."""
        process = self.farm.start_stint("submit", "--kind", "echo", "--results", "-k", *options, stdin=subprocess.PIPE)
        process.stdin.write(b"1\n")
        process.stdin.flush()
        self.assertTrue(select.select([process.stdout], [], [], DEADLINE)[0])
        process.stdout.close()
        process.wait(DEADLINE)
        return process

    def test_head_ends_it_quietly_and_cancels(self):
        process = self.head()
        self.assertEqual((process.returncode, process.said()), (0, ""))
        self.assertEqual(self.farm.job("1")["state"], "cancelled")

    def test_unless_it_is_detached(self):
        process = self.head("--detach")
        self.assertEqual((process.returncode, process.said()), (0, ""))
        self.assertEqual(self.farm.job("1")["state"], "open")

    def test_interrupt_with_results_cancels(self):
        process = self.farm.start_stint("submit", "--kind", "obey", "--results", stdin=subprocess.PIPE)
        self.await_job(1)
        self.assertEqual(process.end(signal.SIGINT), INTERRUPTED)
        self.assertEqual(self.farm.job("1")["state"], "cancelled")

    def test_interrupt_while_waiting_lets_it_go_on(self):
        gate = self.farm.gate()
        process = self.farm.start_stint("submit", "--kind", "obey", "--wait", stdin=subprocess.PIPE)
        process.stdin.write(gate.task.encode())
        process.stdin.close()
        process.stdin = None
        gate.await_task()
        self.assertEqual(process.stdout.readline(), b"1\n")  # it is submitted
        self.assertEqual(process.end(signal.SIGINT), INTERRUPTED)
        self.assertIn("stint wait 1", process.said())
        waiting = self.farm.start_stint("wait", "1")
        gate.open()
        self.assertEqual(waiting.wait(DEADLINE), 0)

    def test_a_stopped_reader_of_input_is_interrupted_too(self):
        process = self.farm.start_stint("submit", "--kind", "nobody", stdin=subprocess.PIPE)
        self.await_job(1)
        self.assertEqual(process.end(signal.SIGTERM), INTERRUPTED)


class ExitCodes(WithFarm):
    workers = ("obey", "echo-worker")

    def test_some_tasks_failed(self):
        output = self.fails(FAILED, "submit", "--kind", "obey", "--results", "-k", "--max-attempts", "1", input=b"a\nfail 9\nb\n",
                            saying="task 1 failed: as ordered")
        self.assertEqual(output, b"a\nb\n")

    def test_failures_are_named_in_the_end_and_can_be_looked_at(self):
        self.fails(FAILED, "submit", "--kind", "obey", "--wait", "--max-attempts", "1", input=b"a\nfail 9\nfail 8\n",
                   saying="look at them: stint results 1 --failed")
        self.assertEqual(self.fails(FAILED, "results", "1", "--failed", "-k"),
                         b"task 1 attempt 1 as ordered\ntask 2 attempt 1 as ordered\n")
        rows = [json.loads(line) for line in self.fails(FAILED, "results", "1", "--json", "-k").splitlines()]
        self.assertEqual([(row["state"], row["error"]) for row in rows], [("done", ""), ("failed", "as ordered"), ("failed", "as ordered")])

    def test_cancelled(self):
        gate = self.farm.gate()
        self.farm.submit("--kind", "obey", input=gate.task.encode())
        gate.await_task()
        waiting = self.farm.start_stint("wait", "1")
        watcher = self.farm.watch_job(1)
        self.assertEqual(self.fails(0, "cancel", "1"), b"1\n")
        self.assertEqual(self.await_ended(watcher)["state"], "cancelled")
        self.assertEqual(waiting.wait(DEADLINE), CANCELLED)
        gate.open()

    def test_timeout(self):
        self.farm.submit("--kind", "nobody", input=b"1\n")
        self.fails(TIMEOUT, "wait", "1", "--timeout", "0.1", saying="go on")
        self.fails(TIMEOUT, "submit", "--kind", "nobody", "--wait", "--timeout", "0.1", input=b"1\n", saying="goes on")

    def test_refused(self):
        self.fails(REFUSED, "job", "nothing", saying="nothing")
        self.fails(REFUSED, "wait", "77", saying="77")
        self.farm.submit("--kind", "echo", "--key", "k", input=b"1\n2\n")
        self.fails(REFUSED, "submit", "--kind", "echo", "--key", "k", input=b"1\n3\n")
        self.fails(REFUSED, "submit", "--kind", "other", "--key", "k", input=b"1\n2\n")

    def test_the_same_key_with_the_same_input_is_the_same_job(self):
        self.assertEqual(self.farm.submit("--kind", "echo", "--key", "k", input=b"1\n2\n"), "1")
        self.assertEqual(self.farm.submit("--kind", "echo", "--key", "k", input=b"1\n2\n"), "1")
        self.assertEqual(self.farm.job("k")["total"], 2)

    def test_unreachable(self):
        process = subprocess.run([f"{BIN}/stint", "jobs", "--broker", "ipc:///nowhere/at-all"], capture_output=True, timeout=DEADLINE)
        self.assertEqual(process.returncode, UNREACHABLE)
        self.assertIn(b"ipc:///nowhere/at-all", process.stderr)
        self.assertIn(b"stint-broker", process.stderr)

    def test_usage(self):
        for arguments, named in ((["sbumit"], "sbumit"), (["submit"], "--kind"), (["submit", "--kind", "x", "-k"], "-k"), (["wait"], "JOB"),
                                 (["drain"], "--all"), (["jobs", "--broker", "localhost:5555"], "localhost:5555"), ([], "stint --help")):
            process = subprocess.run([f"{BIN}/stint", *arguments], capture_output=True, timeout=DEADLINE, text=True)
            self.assertEqual(process.returncode, USAGE, process.stderr)
            self.assertIn(named, process.stderr)

    def test_exit_codes_are_documented_as_they_are(self):
        table = subprocess.run([f"{BIN}/stint", "help", "exit-codes"], capture_output=True, timeout=DEADLINE, text=True).stdout
        with open(os.path.join(os.environ.get("STINT_SOURCE", "../.."), "tools", "README.md")) as file:
            readme = file.read()
        for line in table.splitlines():
            code, name, sentence = line.split(maxsplit=2)
            self.assertIn(f"| {code} | {name} | {sentence} |", readme.replace("`", ""))

    def test_options_that_need_another_one(self):
        for option, needed in ((["--detach"], "--results"), (["--timeout", "1"], "--wait")):
            self.fails(USAGE, "submit", "--kind", "echo", *option, input=b"1\n", saying=needed)

    def test_failed_tasks_are_tried_again_in_a_new_job(self):
        self.fails(FAILED, "submit", "--kind", "obey", "--wait", "--max-attempts", "1", input=b"a\nfail 1\n", saying="stint retry 1")
        self.assertEqual(self.fails(0, "retry", "1"), b"2\n")
        self.farm.stint("wait", "2")
        self.assertEqual(self.farm.job("2")["total"], 1)

    def test_help_says_it_all(self):
        for arguments, named in ((["--help"], "submit"), (["help", "exit-codes"], "130  interrupted"), (["submit", "--help"], "--max-attempts"),
                                 (["help", "drain"], "--count")):
            process = subprocess.run([f"{BIN}/stint", *arguments], capture_output=True, timeout=DEADLINE, text=True)
            self.assertEqual((process.returncode, process.stderr), (0, ""))
            self.assertIn(named, process.stdout)


class Readers(WithFarm):
    def test_results_of_an_ended_job_as_often_as_one_likes(self):
        self.farm.stint("submit", "--kind", "echo", "--name", "ten", "--wait", input=numbers(1, 10))
        for _ in range(2):
            self.assertEqual(self.fails(0, "results", "ten", "-k"), numbers(1, 10))

    def test_results_that_are_there_no_more(self):
        self.farm.stint("submit", "--kind", "echo", "--results", input=b"1\n")
        self.assertEqual(self.fails(0, "results", "1", saying="read as they came"), b"")
        self.farm.stint("submit", "--kind", "echo", "--wait", "--discard", input=b"1\n")
        self.assertEqual(self.fails(0, "results", "2", saying="without --discard"), b"")

    def test_what_is_there_of_a_job_that_goes_on(self):
        process = self.farm.start_stint("submit", "--kind", "echo", "--wait", stdin=subprocess.PIPE)
        process.stdin.write(numbers(1, 5))
        process.stdin.flush()
        watcher = self.farm.watch_job(1)
        if not any(event.get("done") == 5 for event in watcher.heard):
            watcher.await_event(lambda event: event.get("done") == 5)
        self.assertEqual(self.fails(0, "results", "1", "-k"), numbers(1, 5))
        self.assertEqual(sorted(self.fails(0, "results", "1").split()), sorted(numbers(1, 5).split()))
        following = self.farm.start_stint("results", "1", "-k", "--follow")
        process.stdin.write(numbers(6, 9))
        process.stdin.close()
        process.stdin = None
        self.assertEqual(b"\n".join(following.lines()) + b"\n", numbers(1, 9))
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_the_newest_reader_of_a_stream_has_it_and_the_other_is_told(self):
        first = self.farm.start_stint("submit", "--kind", "echo", "--results", stdin=subprocess.PIPE)
        first.stdin.write(b"one\n")
        first.stdin.flush()
        self.assertEqual(first.stdout.readline(), b"one\n")
        second = self.farm.start_stint("results", "1", "--follow")
        self.assertEqual(first.wait(DEADLINE), REFUSED)
        self.assertIn("job 1", first.said())
        self.assertEqual(self.fails(0, "close", "1"), b"1\n")
        self.assertEqual(second.wait(DEADLINE), 0)


class Listings(WithFarm):
    def test_json_has_no_less_than_the_table(self):
        self.farm.submit("--kind", "nobody", "--name", "a\x1b[31m\nb", "--priority", "3", input=b"1\n")
        for what, row in (("jobs", self.farm.rows("jobs")[0]), ("workers", self.farm.rows("workers")[0])):
            table = self.fails(0, what).decode().splitlines()
            self.assertEqual(set(table[0].split()) - set(row), set())
        self.assertEqual(self.farm.job("1")["name"], "a\x1b[31m\nb")

    def test_strangers_names_cannot_steer_the_terminal(self):
        self.farm.submit("--kind", "nobody", "--name", "a\x1b[31m\nb", input=b"1\n")
        for what in (["jobs"], ["job", "1"]):
            output = self.fails(0, *what)
            self.assertIn(rb"a\x1b[31m\nb", output)
            self.assertNotIn(b"\x1b", output)

    def test_why_a_job_waits(self):
        self.farm.submit("--kind", "nobody", input=b"1\n")
        self.assertIn(b"nobody", self.fails(0, "jobs"))
        self.assertNotEqual(self.farm.job("1")["reason"], "")

    def test_empty_columns_vanish(self):
        self.farm.stint("submit", "--kind", "echo", "--wait", input=b"1\n")
        self.assertNotIn(b"failed", self.fails(0, "jobs"))


class Steering(WithFarm):
    workers = ("obey",)

    def test_pause_resume_priority_close_cancel_forget(self):
        process = self.farm.start_stint("submit", "--kind", "obey", "--name", "j", "--wait", stdin=subprocess.PIPE)
        self.await_job(1)
        self.assertEqual(self.fails(0, "pause", "j"), b"1\n")
        self.assertEqual(self.farm.job("j")["state"], "paused")
        self.assertEqual(self.fails(0, "resume", "j"), b"1\n")
        self.assertEqual(self.fails(0, "priority", "j", "-5"), b"1\n")
        self.assertEqual(self.farm.job("j")["priority"], -5)
        self.assertEqual(json.loads(self.fails(0, "close", "j", "--json")), {"jobs": ["1"]})
        self.assertEqual(self.await_ended(self.farm.watch_job(1))["state"], "ended")
        process.stdin.close()
        process.stdin = None
        process.wait(DEADLINE)
        self.assertEqual(self.fails(0, "forget", "j"), b"1\n")
        self.fails(REFUSED, "job", "j")

    def test_a_job_cancelled_under_its_submitter(self):
        process = self.farm.start_stint("submit", "--kind", "nobody", "--wait", stdin=subprocess.PIPE)
        self.await_job(1)
        self.fails(0, "cancel", "1")
        process.communicate(b"1\n2\n", timeout=DEADLINE)
        self.assertEqual(process.returncode, CANCELLED, process.said())

    def test_drain(self):
        self.farm.await_worker("obey-1")
        watcher = self.farm.watch("worker.")
        self.assertEqual(self.fails(0, "drain", "obey-1", "--timeout", "5"), b"obey-1\n")
        watcher.await_event("left")
        self.assertEqual(self.farm.rows("workers"), [])
        self.fails(REFUSED, "drain", "obey-1", saying="obey-1")


class Bar(WithFarm):
    workers = ("obey",)

    def test_a_terminal_gets_a_live_bar(self):
        gate = self.farm.gate()
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        process = subprocess.Popen([f"{BIN}/stint", "submit", "--broker", self.farm.listen, "--kind", "obey", "--name", "render", "--wait"],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=slave)
        os.close(slave)
        process.stdin.write(b"a\na\na\n" + gate.task.encode() + b"\n")
        process.stdin.close()
        gate.await_task()
        screen = b""
        deadline = time.monotonic() + DEADLINE
        for expected in (b"render [", b"3/4 75%", b"job 1 render: 4 done of 4"):
            while expected not in screen:
                self.assertTrue(select.select([master], [], [], max(0, deadline - time.monotonic()))[0], f"{expected} is not in {screen}")
                screen += os.read(master, 65536)
            if expected.startswith(b"3/4"):
                gate.open()
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_elsewhere_there_are_no_control_codes(self):
        _, _, said = self.farm.stint("submit", "--kind", "obey", "--wait", input=b"a\n" * 100)
        self.assertNotIn("\x1b", said)
        self.assertIn("job 1: 100 done of 100", said)


if __name__ == "__main__":
    unittest.main()
