"""A worker in another language, written from PROTOCOL.md alone, does the work of a real broker: an honest test of the document."""
import hashlib
import os
import pathlib
import select
import subprocess
import sys
import time
import unittest

import msgpack
import zmq

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get("STINT_BIN") or HERE.parents[1] / "build" / "dev" / "bin")
PATIENCE = 120  # seconds: ends a test that hangs, and judges nothing
QUICK = ["--heartbeat-ms", "1000" if os.environ.get("STINT_SANITIZE") else "200"]


class Farm:
    """A broker and its workers; whatever still runs at the end is killed."""

    def __init__(self):
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def start(self, *command, **options):
        self.processes.append(subprocess.Popen([str(part) for part in command], **options))
        return self.processes[-1]

    def start_broker(self, listen="tcp://127.0.0.1:*"):
        broker = self.start(
            BIN / "stint-broker", "--listen", listen, "--events", "tcp://127.0.0.1:*", "--memory", *QUICK,
            stdout=subprocess.PIPE, text=True,
        )
        if not select.select([broker.stdout], [], [], PATIENCE)[0]:
            raise AssertionError("the broker did not say that it is ready")
        words = broker.stdout.readline().split()
        said = dict(word.split("=", 1) for word in words if "=" in word)
        self.listen, self.events = said["listen"], said["events"]
        return broker

    def start_worker(self, kind, name):
        return self.start(sys.executable, HERE / "worker.py", self.listen, kind, name)

    def submit(self, kind, payloads):
        client = self.start(
            BIN / "stint", "submit", "--broker", self.listen, "--kind", kind, "--results", "-k", "-0", "--quiet",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        client.stdin.write(b"".join(payload + b"\0" for payload in payloads))
        client.stdin.close()
        client.stdin = None
        return client

    def results(self, client):
        output, _ = client.communicate(timeout=PATIENCE)
        return client.returncode, output.split(b"\0")[:-1]


class Watcher:
    """Hears events until one is as wanted."""

    def __init__(self, farm, topic):
        self.context = zmq.Context()
        self.context.linger = 0
        self.socket = self.context.socket(zmq.SUB)
        self.socket.connect(farm.events)
        self.socket.subscribe(topic)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.destroy()

    def wait_for(self, wanted):
        deadline = time.monotonic() + PATIENCE
        while self.socket.poll(max(0, deadline - time.monotonic()) * 1000):
            topic, head = self.socket.recv_multipart()
            event = msgpack.unpackb(head[12:])
            if wanted(event["event"], event.get("fields", {})):
                return event
        raise AssertionError("the event that was waited for did not come")


def stretch(payload):
    return hashlib.pbkdf2_hmac("sha256", payload, b"stint", 5000).hex().encode()


class PythonWorker(unittest.TestCase):
    def test_runs_a_job(self):
        payloads = [b"line %d" % i for i in range(997)] + [b"", b"\xff\xfe bytes", b"x" * 1_000_000]
        with Farm() as farm:
            farm.start_broker()
            worker = farm.start_worker("upper", "snake")
            status, results = farm.results(farm.submit("upper", payloads))
            self.assertEqual(status, 0)
            self.assertEqual(results, [payload.upper() for payload in payloads])
            worker.terminate()
            self.assertEqual(worker.wait(PATIENCE), 0)

    def test_another_takes_over_when_one_is_killed(self):
        payloads = [b"task %d" % i for i in range(600)]
        with Farm() as farm:
            farm.start_broker()
            with Watcher(farm, "") as watcher:
                first = farm.start_worker("stretch", "first")
                client = farm.submit("stretch", payloads)
                watcher.wait_for(lambda _, fields: 0 < fields.get("done", 0) < len(payloads) / 2)
                first.kill()
                farm.start_worker("stretch", "second")
                watcher.wait_for(lambda event, fields: event == "lost" and fields["worker"] == "first")
            status, results = farm.results(client)
            self.assertEqual(status, 0)
            self.assertEqual(results, [stretch(payload) for payload in payloads])

    def test_rejoins_a_restarted_broker(self):
        with Farm() as farm:
            broker = farm.start_broker()
            farm.start_worker("upper", "snake")
            self.assertEqual(farm.results(farm.submit("upper", [b"before"])), (0, [b"BEFORE"]))
            broker.kill()
            broker.wait()
            farm.start_broker(listen=farm.listen)
            self.assertEqual(farm.results(farm.submit("upper", [b"after"])), (0, [b"AFTER"]))


    def test_leaves_when_it_is_asked_to(self):
        with Farm() as farm:
            farm.start_broker()
            worker = farm.start_worker("upper", "snake")
            self.assertEqual(farm.results(farm.submit("upper", [b"before"])), (0, [b"BEFORE"]))
            drain = farm.start(BIN / "stint", "drain", "--broker", farm.listen, "snake", stdout=subprocess.DEVNULL)
            self.assertEqual(drain.wait(PATIENCE), 0)
            self.assertEqual(worker.wait(PATIENCE), 0)


class Refusal(unittest.TestCase):
    """A value beyond its limit is refused as one message: who sent it hears why, and neither hangs nor greets for ever."""

    def test_of_a_name_that_is_too_long(self):
        with Farm() as farm:
            farm.start_broker()
            client = farm.start(
                BIN / "stint", "job", "--broker", farm.listen, "n" * 300,
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )
            _, said = client.communicate(timeout=PATIENCE)
            self.assertEqual(client.returncode, 6)
            self.assertIn("300 bytes", said)


class Document(unittest.TestCase):
    def test_the_worker_is_short(self):
        self.assertLessEqual(len((HERE / "worker.py").read_text().splitlines()), 60)


if __name__ == "__main__":
    unittest.main()
