#!/usr/bin/python3
"""Plays the broker of the scenarios in scenarios.json against a worker or a client in any language.

    tests/conformance/play.py worker -- ./my-worker {broker}
    tests/conformance/play.py client -- ./my-client {broker}
    tests/conformance/play.py worker --only gap --transcript -- ./my-worker {broker}      # every message as hex

{broker} becomes the address to connect to. README.md says what the program under test has to do, and what a scenario consists of.
Exit code 0: all were passed; 1: some were not, and at which step; 2: usage. Needs Python's zmq and msgpack.
"""
import argparse
import contextlib
import json
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time

import msgpack
import zmq

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 60  # seconds: ends a scenario that hangs, and judges no speed
NUMBERS = dict(HELLO=1, WELCOME=2, HELLO_AGAIN=3, HEARTBEAT=4, BYE=5, ERROR=6, OPEN=10, OPENED=11, SUBMIT=12, ACCEPTED=13,
               CLOSE=14, ATTACH=15, DETACH=16, JOB_RESULTS=17, ACK=18, JOB=19, JOB_INFO=20, TASKS=21, RESULTS_ACK=22,
               RECALL=23, RELEASE=24, DRAIN=25, PROGRESS=26, STATE=27, RESULTS=28, COMMAND=30, DONE=31, QUERY=32, ANSWER=33)
NAMES = {number: name for name, number in NUMBERS.items()}
MAY_COME_ANY_TIME = {"HEARTBEAT", "ACK", "STATE", "PROGRESS"}
DEFAULTS = {
    "WELCOME": {"version": 1, "store": 77, "epoch": 1, "name": "peer", "heartbeat_ms": 1000, "liveness": 3, "max_payload_bytes": 8 << 20,
                "batch_bytes": 256 << 10, "unacked_bytes": 16 << 20},
    "OPENED": {"job": 1, "limit_tasks": 1000, "limit_bytes": 1 << 20},
    "ACCEPTED": {"job": 1, "limit_tasks": 1000, "limit_bytes": 1 << 20},
    "JOB": {"job": 1, "reader": 1},
    "JOB_RESULTS": {"job": 1, "worker": "somebody"},
    "JOB_INFO": {"job": 1, "kind": "echo", "name": "a job"},
    "TASKS": {"lease": 1, "job": 1},
}
JOB_ROW = {"job": 1, "name": "a job", "kind": "echo", "state": "open", "total": 0, "queued": 0, "delayed": 0, "running": 0, "done": 0,
           "failed": 0, "cancelled": 0}


STATES = ["open", "closed", "paused", "cancelled", "ended"]


class Failed(Exception):
    pass


class Nothing(Failed):
    pass


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sizes_in(fields, name, count):
    sizes = fields.get(name, 0)
    return list(struct.unpack(f"<{count}I", sizes)) if isinstance(sizes, bytes) else [sizes] * count


def indices_in(fields):
    count = fields.get("n", 0)
    table = fields.get("indices")
    return list(struct.unpack(f"<{count}Q", table)) if table else list(range(fields.get("first", 0), fields.get("first", 0) + count))


def cut(blob, sizes):
    parts, at = [], 0
    for size in sizes:
        parts.append(blob[at:at + size])
        at += size
    if at != len(blob):
        raise Failed(f"sizes add up to {at} bytes, the blob has {len(blob)}")
    return parts


class Broker:
    """What a scenario's broker knows, and the checks that hold in every scenario."""

    def __init__(self, scenario, transcript):
        self.scenario, self.transcript = scenario, transcript
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.linger = 500
        self.endpoint = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"
        self.address = None
        self.session, self.said, self.heard = 0, 0, 0
        self.known = {}     # what the peer has said that answers repeat: hello_no, req
        self.hello_no = 0
        self.leases = {}    # (lease, index): payload, of what the peer may answer
        self.results = {}   # (lease, index): how often it was answered
        self.last_results = 0
        self.tasks = {}     # index: payload, of what a client has submitted
        self.names = set()  # of the messages that were heard in this session
        self.row = {}       # what a QUERY is told of the job
        self.limit = 0
        self.spoke = time.monotonic()

    # --- saying ---

    def say(self, name, fields, blob=b"", again=False):
        if name == "WELCOME":
            self.session, self.said, self.heard, self.names = self.session + 1, 0, 0, set()
        elif name == "HELLO_AGAIN":
            return self.send(NUMBERS[name], 0, 0, fields, blob)
        elif not again:
            self.said += 1
        self.limit = fields.get("limit_tasks", self.limit)
        if name == "JOB":
            counts = {key: value for key, value in fields.items() if key in JOB_ROW}
            self.row = counts | {"state": STATES[fields["state"]], "total": len(self.tasks)}
        self.send(NUMBERS[name], self.session, self.said, fields, blob)

    def send(self, number, session, seq, fields, blob):
        body = fields if isinstance(fields, bytes) else msgpack.packb(fields)
        head = b"ST\x01" + struct.pack("<BII", number, session, seq) + body
        self.log("broker", head, blob)
        self.socket.send_multipart([self.address, head, blob] if blob else [self.address, head])
        self.spoke = time.monotonic()

    def log(self, who, head, blob):
        if self.transcript:
            print(f"    {who:6} {NAMES.get(head[3], head[3]):12} {head.hex()}" + (f" | {blob.hex()}" if blob else ""))

    # --- hearing ---

    def next_message(self, until, beats):
        """The next message in the present session, or a greeting; its numbers are checked."""
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise Nothing("nothing more came")
            if beats and self.session and time.monotonic() - self.spoke > 0.4:
                self.say("HEARTBEAT", {})
            if not self.socket.poll(min(left, 0.2) * 1000):
                continue
            self.address, head, *blobs = self.socket.recv_multipart()
            blob = blobs[0] if blobs else b""
            self.log("peer", head, blob)
            if head[:3] != b"ST\x01" or len(blobs) > 1:
                raise Failed(f"no message of ours: {head.hex()}")
            number, session, seq = struct.unpack("<BII", head[3:12])
            name, fields = NAMES.get(number, str(number)), msgpack.unpackb(head[12:])
            if name == "HELLO":
                return name, self.greeted(session, seq, fields), blob
            if session != self.session:
                continue  # of a session that is over
            self.heard += 1
            if seq != self.heard:
                raise Failed(f"{name} has number {seq} in its session, not {self.heard}")
            self.names.add(name)
            if name == "QUERY":  # a client may ask what it likes meanwhile
                self.say("ANSWER", {"req": fields["req"], "rows": [JOB_ROW | self.row]})
                continue
            return name, fields, blob

    def greeted(self, session, seq, fields):
        if (session, seq) != (0, 0):
            raise Failed(f"HELLO came with session {session} and number {seq}; both are 0")
        if fields["hello_no"] < self.hello_no:
            raise Failed(f"hello_no went back from {self.hello_no} to {fields['hello_no']}")
        self.hello_no = self.known["hello_no"] = fields["hello_no"]
        return fields

    def note(self, name, fields, blob):
        """What holds of every message of its sort."""
        if name == "OPEN":
            self.known["req"] = fields["req"]
            if not fields.get("key"):
                raise Failed("OPEN has no key; a client draws one, so that it can open the same job again")
        if name == "SUBMIT":
            first, count = fields.get("first", 0), fields["n"]
            if first + count > self.limit:
                raise Failed(f"SUBMIT goes to {first + count}, beyond limit_tasks = {self.limit}")
            for i, payload in enumerate(cut(blob, sizes_in(fields, "sizes", count))):
                if self.tasks.setdefault(first + i, payload) != payload:
                    raise Failed(f"task {first + i} was another one when it was first submitted")
        if name == "RESULTS":
            self.note_results(fields, blob)

    def note_results(self, fields, blob):
        count, self.last_results = fields["n"], self.heard
        sizes, errors = sizes_in(fields, "sizes", count), sizes_in(fields, "err_sizes", count)
        outputs = cut(blob, [size for pair in zip(sizes, errors) for size in pair])
        for index, result in zip(indices_in(fields), outputs[::2]):
            key = fields["lease"], index
            if key not in self.leases:
                raise Failed(f"a result of task {index} in lease {fields['lease']}, which the worker does not hold")
            if result != self.leases[key]:
                raise Failed(f"the result of task {index} is {result[:60]!r}, not {self.leases[key][:60]!r}")
            self.results[key] = self.results.get(key, 0) + 1


class Play:
    """One scenario against one process."""

    def __init__(self, scenario, command, transcript=False, patience=PATIENCE):
        self.scenario = scenario
        self.broker = Broker(scenario, transcript)
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen([word.replace("{broker}", self.broker.endpoint) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.said)
        self.until = time.monotonic() + patience

    def run(self):
        step = None
        try:
            if self.scenario["role"] == "client":
                self.process.stdin.write(self.scenario["input"].encode("latin-1"))
                self.process.stdin.close()
                self.process.stdin = None
            for step in self.scenario["steps"]:
                verb = next(iter(step))
                getattr(self, "do_" + verb)(step[verb], {key: value for key, value in step.items() if key != verb})
        except Failed as failure:
            self.said.seek(0)
            told = self.said.read().decode(errors="replace").strip()
            raise Failed(f"at step {json.dumps(step)}: {failure}" + (f"\n  the program says: {told}" if told else "")) from None
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.communicate()
            self.said.close()
            self.broker.socket.close(0)

    # --- what a step can be: README.md explains each ---

    def do_hear(self, name, step):
        quiet = step.get("quiet", False)
        while True:
            heard, fields, blob = self.broker.next_message(self.until, beats=not quiet)
            if heard == name:
                break
            if heard not in MAY_COME_ANY_TIME and heard not in step.get("skip", []):
                raise Failed(f"heard {heard} {fields}")
            self.broker.note(heard, fields, blob)
        self.broker.note(heard, fields, blob)
        for key, value in step.get("with", {}).items():
            if fields.get(key, 0) != value:
                raise Failed(f"{name}.{key} is {fields.get(key, 0)!r}, not {value!r}")
        for key in step.get("without", []):
            if fields.get(key):
                raise Failed(f"{name}.{key} is {fields[key]!r}, and should not be there")

    def do_say(self, name, step):
        fields = dict(DEFAULTS.get(name, {}))
        if name == "WELCOME":
            fields["hello_no"] = self.broker.known["hello_no"]
        if name in ("OPENED", "ERROR") and "req" in self.broker.known:
            fields["req"] = self.broker.known["req"]
        if name == "RESULTS_ACK":
            fields["upto"] = self.broker.last_results
        fields |= step.get("fields", {})
        if name in ("OPENED", "ACCEPTED"):
            tasks = [self.broker.tasks[index] for index in range(fields.get("next", 0))]
            fields["digest"] = crc32c(b"".join(struct.pack("<I", len(task)) + task for task in tasks)) if tasks else 0
        blob = b""
        if "payloads" in step:
            payloads = [bytes.fromhex(payload) for payload in step["payloads"]]
            blob = b"".join(payloads)
            fields["n"] = len(payloads)
            lengths = [len(payload) for payload in payloads]
            fields["sizes"] = lengths[0] if len(set(lengths)) == 1 else struct.pack(f"<{len(lengths)}I", *lengths)
            if "table" in step:
                fields["indices"] = struct.pack(f"<{len(payloads)}Q", *step["table"])
            if name == "TASKS":
                indices = step.get("table") or range(fields.get("first", 0), fields.get("first", 0) + len(payloads))
                self.broker.leases |= {(fields["lease"], index): payload for index, payload in zip(indices, payloads)}
        if step.get("skips_a_number"):
            self.broker.said += 1
        self.broker.say(name, fields, blob, again=step.get("again", False))

    def do_say_hex(self, message, step):
        """A body as bytes: integers, keys and what is unknown as another implementation may write them."""
        self.broker.said += 1
        for index, payload in step.get("gives", {}).items():
            self.broker.leases[step.get("lease", 1), int(index)] = bytes.fromhex(payload)
        self.broker.send(message["type"], self.broker.session, self.broker.said, bytes.fromhex(message["body"]),
                         bytes.fromhex(message.get("blob", "")))

    def do_hear_results(self, indices, step):
        """Until each of them was answered: exactly so often."""
        lease, times = step.get("lease", 1), step.get("times", 1)
        while any(self.broker.results.get((lease, index), 0) < times for index in indices):
            name, fields, blob = self.broker.next_message(self.until, beats=True)
            if name != "RESULTS" and name not in MAY_COME_ANY_TIME and name not in step.get("skip", []):
                raise Failed(f"heard {name} {fields}")
            self.broker.note(name, fields, blob)
        for index in indices:
            if self.broker.results[lease, index] != times:
                raise Failed(f"task {index} was answered {self.broker.results[lease, index]} times, not {times}")

    def do_gather(self, count, step):
        """A client's tasks below `count`, and the messages named, in whatever order they come."""
        wanted = set(step.get("and", []))
        while not wanted <= self.broker.names or len(self.broker.tasks) < count:
            name, fields, blob = self.broker.next_message(self.until, beats=True)
            self.broker.note(name, fields, blob)
            if name == "OPEN" and "open_again" in step:
                self.do_say("OPENED", {"fields": step["open_again"]})
            elif name not in MAY_COME_ANY_TIME | {"SUBMIT", "ATTACH", "CLOSE"}:
                raise Failed(f"heard {name} {fields}")
        if sorted(self.broker.tasks) != list(range(count)):
            raise Failed(f"tasks {sorted(self.broker.tasks)} were submitted, not those below {count}")

    def do_takes_back(self, lease, _):
        """From here on, the worker holds nothing of this lease."""
        self.broker.leases = {key: payload for key, payload in self.broker.leases.items() if key[0] != lease}

    def do_signal(self, name, _):
        self.process.send_signal(getattr(signal, "SIG" + name))

    def do_end(self, code, step):
        """The process ends by itself: with this code, or, for "not 0", another than 0."""
        while self.process.poll() is None:
            if time.monotonic() > self.until:
                raise Failed("the program goes on")
            with contextlib.suppress(Nothing):
                self.broker.next_message(time.monotonic() + 0.1, beats=True)
        if code == "not 0" and self.process.returncode == 0 or code != "not 0" and self.process.returncode != code:
            raise Failed(f"the program ended with {self.process.returncode}, not with {code}")
        if "output" in step:
            output = self.process.stdout.read()
            if output != step["output"].encode("latin-1"):
                raise Failed(f"the program wrote {output!r}, not {step['output']!r}")


def scenarios(role, only=None):
    known = json.loads((HERE / "scenarios.json").read_text())
    return [each for each in known if each["role"] == role and (only is None or only in each["name"])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("role", choices=["worker", "client"])
    parser.add_argument("--only", help="part of the names of the scenarios to play")
    parser.add_argument("--transcript", action="store_true", help="show every message as hex")
    parser.add_argument("command", nargs="+", help="the program under test, behind --")
    arguments = parser.parse_args()
    failed = 0
    for scenario in scenarios(arguments.role, arguments.only):
        try:
            Play(scenario, arguments.command, arguments.transcript).run()
            print(f"passed  {scenario['name']}", flush=True)
        except Failed as failure:
            failed += 1
            print(f"FAILED  {scenario['name']}: {scenario['shows']}\n  {failure}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
