"""What people do wrong: it is named at once, with what helps. Nothing hangs without a word, and nothing is half done."""
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

from farm import BIN, DEADLINE, QUICK, Farm, numbers

FAILED, USAGE, UNREACHABLE, TIMEOUT, REFUSED, INTERRUPTED = 1, 2, 4, 5, 6, 130


def run(program, *arguments, redirected="", input=b""):
    """Runs a program as a shell does with those redirections. Returns exit code, output and what it said."""
    command = ["sh", "-c", f'exec "$@" {redirected}', "sh", f"{BIN}/{program}", *arguments]
    process = subprocess.run(command, input=input, capture_output=True, timeout=DEADLINE)
    return process.returncode, process.stdout, process.stderr.decode(errors="replace")


class Mistakes(unittest.TestCase):
    def setUp(self):
        self.farm = Farm(*QUICK, "--writer-grace-ms", "2000")  # a submitter's last word may be lost
        self.farm.__enter__()
        self.addCleanup(self.farm.__exit__, None, None, None)

    def stint(self, code, command, *arguments, saying="", **options):
        """Runs it; returns its output and what it said."""
        got, output, said = run("stint", command, "--broker", self.farm.listen, *arguments, **options)
        self.assertEqual(got, code, said)
        self.assertIn(saying, said)
        return output, said


class WithoutStandardStreams(Mistakes):
    def test_no_input(self):
        self.stint(USAGE, "submit", "--kind", "echo", redirected="<&-", saying="standard input")
        self.assertEqual(self.farm.rows("jobs"), [])

    def test_no_output(self):
        self.farm.submit("--kind", "nobody", input=b"1\n")
        for command in ("jobs", "workers"):
            self.farm.worker("echo-worker", "--name", command)
            self.farm.await_worker(command)
            self.stint(UNREACHABLE, command, redirected=">&-", saying="cannot write the output")
        self.assertEqual(run("zmq-sub", "--connect", self.farm.events, redirected=">&-")[0], UNREACHABLE)

    def test_no_standard_error(self):
        """Nothing else, such as a socket, is taken for it."""
        self.farm.worker("echo-worker")
        output, _ = self.stint(0, "submit", "--kind", "echo", "--results", "-k", input=numbers(1, 9), redirected="2>&-")
        self.assertEqual(output, numbers(1, 9))

    def test_a_full_disk(self):
        for program, *arguments in (["stint", "--help"], ["stint", "submit", "--help"], ["stint", "help", "exit-codes"],
                                    ["stint", "--version"], ["zmq-sub", "--help"]):
            self.assertEqual(run(program, *arguments, redirected=">/dev/full")[0], UNREACHABLE, arguments)
        self.farm.submit("--kind", "nobody", input=b"1\n")
        self.stint(UNREACHABLE, "pause", "1", redirected=">/dev/full", saying="cannot write the output")
        self.assertEqual(run("stint-worker", "--kind", "x", "--try", "y", "--", "echo", redirected=">/dev/full")[0], FAILED)


class Submitting(Mistakes):
    def test_a_directory_is_no_list_of_tasks(self):
        self.stint(USAGE, "submit", "--kind", "echo", self.farm.directory, saying="is a directory")
        self.stint(USAGE, "submit", "--kind", "echo", redirected=f"< {self.farm.directory}", saying="is a directory")
        self.assertEqual(self.farm.rows("jobs"), [])

    def test_names_that_cannot_be(self):
        for option in ("--kind", "--name", "--key"):
            for value, saying in ((b"\xff", "UTF-8"), (b"x" * 256, "255"), (b"", "is empty")):
                arguments = ["--kind", "echo"] if option != "--kind" else []
                self.stint(USAGE, "submit", *arguments, option, value, input=b"1\n", saying=f"{option} ")
        self.assertEqual(self.farm.rows("jobs"), [])
        self.assertIn("has an empty name in 'p, ,q'", run("stint-worker", "--kind", "p, ,q", "--", "echo")[2])

    def test_a_key_with_shorter_input(self):
        """Also when nobody waits for the end of the job."""
        self.farm.submit("--kind", "nobody", "--key", "k", input=numbers(1, 9))
        for _ in range(20):
            self.stint(REFUSED, "submit", "--kind", "nobody", "--key", "k", input=numbers(1, 8), saying="only 8 were written")

    def test_interrupted_before_the_input_was_read(self):
        """The job stays open: it says so, and so does whoever asks, until it is closed."""
        self.farm.worker("echo-worker")
        watcher = self.farm.watch("job.")
        process = self.farm.start_stint("submit", "--kind", "echo", "--wait", stdin=subprocess.PIPE)
        process.stdin.write(numbers(1, 3))
        process.stdin.flush()
        watcher.await_event(lambda event: event.get("done") == 3)
        self.assertEqual(process.end(signal.SIGINT), INTERRUPTED)
        self.assertIn("stint close 1", process.said())
        self.assertIn("stint close 1", watcher.await_event("stalled")["reason"])
        self.assertEqual(self.farm.job("1")["stalled"], "writer_gone")
        _, said = self.stint(TIMEOUT, "wait", "1", "--timeout", "2.5")
        self.assertIn("stint close 1", said)
        self.stint(0, "close", "1")
        self.stint(0, "wait", "1", saying="3 done of 3")


class Reading(Mistakes):
    def test_results_of_a_job_that_stands_still(self):
        self.farm.submit("--kind", "nobody", input=b"1\n")
        self.stint(0, "results", "1", saying="--follow waits for the rest")
        command = f"{BIN}/stint", "results", "--broker", self.farm.listen, "1", "--follow"
        process = self.farm.start("sh", "-c", 'exec "$@" 2>&1', "sh", *command, stdout=subprocess.PIPE)
        while b"no worker offers kind nobody" not in (line := process.line()):
            self.assertNotEqual(line, b"", "it has ended without a word about it")
        self.assertEqual(process.end(signal.SIGINT), INTERRUPTED)
        self.assertIn(b"interrupted", process.line())


class Steering(Mistakes):
    def test_one_of_several_is_wrong(self):
        for _ in range(2):
            self.farm.submit("--kind", "nobody", input=b"1\n")
        output, _ = self.stint(REFUSED, "cancel", "1", "99", "2", saying="'99'")
        self.assertEqual(output, b"1\n2\n")
        self.assertEqual([row["state"] for row in self.farm.rows("jobs")], ["cancelled", "cancelled"])


class CommandLines(unittest.TestCase):
    def refuses(self, program, *arguments, saying, code=USAGE):
        got, _, said = run(program, *arguments)
        self.assertEqual(got, code, said)
        self.assertIn(saying, said)
        return said

    def test_versions(self):
        for program in ("stint", "zmq-sub", "stint-broker"):
            code, output, _ = run(program, "--version")
            self.assertEqual(code, 0)
            self.assertRegex(output.decode(), rf"^{program} \d+\.\d+\.\d+\n$")

    def test_options_before_the_command(self):
        self.refuses("stint", "--broker", "tcp://127.0.0.1:5555", "jobs", saying="behind the command")

    def test_what_takes_no_arguments(self):
        self.assertNotIn("stint job", self.refuses("stint", "workers", "x", saying="takes no arguments"))

    def test_the_remedy_is_said_once(self):
        said = self.refuses("stint", "jobs", "--broker", "ipc:///nowhere/at-all", saying="Start one there", code=UNREACHABLE)
        self.assertEqual(said.count("STINT_BROKER"), 1)
        self.assertEqual(said.count("\n"), 1)

    def test_workers(self):
        for arguments, saying in ((["--kind", "x", "--", "no-such-program"], "no-such-program"),
                                  (["--kind", "x", "--", "/no/such"], "/no/such"),
                                  (["--kind", "", "--", "cat"], "--kind is empty"), (["--kind", b"\xff", "--", "cat"], "UTF-8"),
                                  (["--kind", "x", "--slots", "many", "--", "cat"], "from 1 to 4096, not 'many'"),
                                  (["--kind", "x", "--slots", "0", "--", "cat"], "from 1 to 4096, not '0'"),
                                  (["--kind", "x"], "behind --")):
            said = self.refuses("stint-worker", *arguments, saying=saying)
            self.assertEqual((said.count("\n"), said.count("stint-worker --help")), (1, 1))
        self.assertEqual(run("stint-worker", "-h")[0], 0)

    def test_programs_that_cannot_be_run(self):
        """Each of them would fail every task."""
        directory = self.enterContext(tempfile.TemporaryDirectory())
        for name, text, mode in (("plain", "", 0o600), ("script", "#!/no/such/sh\n", 0o700), ("tool", "#!/bin/sh\necho $1\n", 0o700)):
            path = pathlib.Path(directory, name)
            path.write_text(text)
            path.chmod(mode)
        for word, saying in (("", "cannot run '': its name is empty"), (directory, "it is a directory; name a program"),
                             (f"{directory}/nothing", "nothing': No such file"), (f"{directory}/plain", "chmod +x makes it so"),
                             (f"{directory}/script", "its interpreter '/no/such/sh' is not there"),
                             ("tool", "no directory of PATH has it; for one elsewhere write its path, such as ./tool")):
            said = self.refuses("stint-worker", "--kind", "x", "--try", "y", "--", word, saying=saying)
            self.assertIn(f"cannot run '{word}'", said)
        self.refuses("stint-worker", "--kind", "x", "--stdin", "--try", "y", "--", "{}", saying="cannot run '{}'")
        self.refuses("stint-worker", "--kind", "x", "--shell", "--try", "ls", "--", " ", "", saying="/bin/sh behind -- is blank")
        command = [f"{BIN}/stint-worker", "--kind", "x", "--try", "y", "--", "tool"]
        passed_over = pathlib.Path(directory, "old")
        passed_over.mkdir()
        shutil.copy(f"{directory}/script", passed_over / "tool")
        for path in (directory, "/bin:", ":/bin", "", f"{passed_over}:{directory}"):
            tried = subprocess.run(command, cwd=directory, env={"PATH": path}, capture_output=True, timeout=DEADLINE)
            self.assertEqual((tried.returncode, tried.stdout), (0, b"y\n"), tried.stderr)

    def test_a_command_that_is_tried_out_and_fails_says_how(self):
        code, _, said = run("stint-worker", "--kind", "x", "--try", "y", "--", "sh", "-c", "exit 7")
        self.assertEqual((code, said), (FAILED, "stint-worker: failed, exit 7: nothing on standard error\n"))

    def test_brokers(self):
        self.refuses("stint-broker", "stray", saying="'stray'")
        self.refuses("stint-broker", "--data", "", saying="--data is empty")
        self.refuses("stint-broker", "--memory", "--listen", "nonsense", saying="path/of/a/socket. See")
        self.refuses("stint-broker", "--memory", "--events", "tcp://127.0.0.1:5555", saying="both tcp://127.0.0.1:5555")


class Measuring(unittest.TestCase):
    def test_whatever_ends_the_bench_ends_its_processes(self):
        """They have its standard error; so that is at its end when all of them have ended."""
        bench = subprocess.Popen([f"{BIN}/stint", "bench", "throughput"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        children = pathlib.Path(f"/proc/{bench.pid}/task/{bench.pid}/children")
        while not children.read_text():
            self.assertIsNone(bench.poll(), "the bench has ended before it could be ended")
        bench.kill()
        _, _ = bench.communicate(timeout=DEADLINE)

    def test_a_plot_that_cannot_be_is_refused_before_anything_is_measured(self):
        code, output, said = run("stint", "bench", "latency", "--plot", "/nowhere/bench.svg")
        self.assertEqual((code, output), (UNREACHABLE, b""))
        self.assertIn("cannot write /nowhere/bench.svg: No such file or directory", said)
        code, output, said = run("stint", "bench", "tail", "idle", "--plot", "/nowhere/bench.svg")
        self.assertEqual((code, output), (USAGE, b""))
        self.assertIn("no chart to draw of tail, idle: add one of throughput, latency, loaded, fan-out,", said)

    def test_what_is_measured_is_not_lost_in_silence(self):
        code, _, said = run("stint", "bench", "throughput", "--rounds", "1", "--seconds", "0.1", redirected=">/dev/full")
        self.assertEqual(code, UNREACHABLE)
        self.assertIn("cannot write the output", said)


if __name__ == "__main__":
    unittest.main()
