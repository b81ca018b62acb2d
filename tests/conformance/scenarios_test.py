"""Workers and clients in several languages pass the scenarios; and a worker that is wrong does not."""
import os
import pathlib
import sys
import tempfile
import unittest

import play

HERE = pathlib.Path(__file__).resolve().parent
BIN = os.environ.get("STINT_BIN") or str(HERE.parents[1] / "build" / "dev" / "bin")
CPP_WORKER = [f"{BIN}/echo-worker", "--broker", "{broker}"]
PYTHON_WORKER = [sys.executable, str(HERE / "worker.py"), "{broker}", "echo"]
CPP_CLIENT = [f"{BIN}/stint", "submit", "--broker", "{broker}", "--kind", "echo", "--results", "-k", "--quiet"]

# What is wrong with a worker, where that stands in worker.py, what is put in its place, and the scenario that must fail.
WRONG = [
    ("takes doubled messages", "seq != self.seen + 1: return", "seq > self.seen + 1: return", "doubled message"),
    ("ignores gaps", "session == self.session and seq > self.seen + 1)", "False)", "gap"),
    ("keeps what is void", 'if f["store"] != self.store: self.todo, self.unacked = {}, {}', "pass", "another store"),
    ("does not tell results again", "self.answer(key, job, result)\n    def release", "pass\n    def release", "unacknowledged results"),
    ("takes any WELCOME", ' and f["hello_no"] == self.hello_no', "", "another welcome"),
    ("reads no tables", 'if "indices" in f else', "if False else", "tables"),
]


class Scenarios(unittest.TestCase):
    def passes(self, role, command):
        for scenario in play.scenarios(role):
            with self.subTest(scenario["name"]):
                play.Play(scenario, command).run()

    def test_the_cpp_worker_passes(self):
        self.passes("worker", CPP_WORKER)

    def test_the_python_worker_passes(self):
        self.passes("worker", PYTHON_WORKER)

    def test_the_cpp_client_passes(self):
        self.passes("client", CPP_CLIENT)

    def test_a_worker_that_is_wrong_does_not_pass(self):
        right = (HERE / "worker.py").read_text()
        for what, here, instead, name in WRONG:
            with self.subTest(what), tempfile.NamedTemporaryFile("w", suffix=".py") as file:
                self.assertEqual(right.count(here), 1, "worker.py has changed: plant it anew")
                file.write(right.replace(here, instead))
                file.flush()
                (scenario,) = play.scenarios("worker", name)
                with self.assertRaises(play.Failed):
                    play.Play(scenario, [sys.executable, file.name, "{broker}", "echo"], patience=5).run()


if __name__ == "__main__":
    unittest.main()
