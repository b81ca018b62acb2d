"""A broker process, and a peer that speaks the protocol by hand: what the tests with raw sockets share.

    with Broker("--heartbeat-ms", "100") as broker, Peer(broker.listen) as peer:
        peer.greet(role=CLIENT)
        peer.say("OPEN", req=1, kind="echo", key="k")
        peer.hear("OPENED")

Nothing here sleeps: everything waits for an event, with a deadline.
"""
import os
import select
import signal
import struct
import subprocess
import tempfile
import time

import msgpack
import zmq

BIN = os.environ.get("STINT_BIN", "build/dev/bin")
SANITIZED = bool(os.environ.get("STINT_SANITIZE"))
DEADLINE = 60 if SANITIZED else 20  # seconds until a test that waits has failed

CLIENT, WORKER = 1, 2
NUMBERS = dict(HELLO=1, WELCOME=2, HELLO_AGAIN=3, HEARTBEAT=4, BYE=5, ERROR=6, OPEN=10, OPENED=11, SUBMIT=12, ACCEPTED=13,
               CLOSE=14, ATTACH=15, DETACH=16, JOB_RESULTS=17, ACK=18, JOB=19, JOB_INFO=20, TASKS=21, RESULTS_ACK=22,
               RECALL=23, RELEASE=24, DRAIN=25, PROGRESS=26, STATE=27, RESULTS=28, COMMAND=30, DONE=31, QUERY=32, ANSWER=33)
NAMES = {number: name for name, number in NUMBERS.items()}
MALFORMED, VERSION, UNKNOWN_MESSAGE, BAD_VALUE = 1, 2, 3, 14


class Broker:
    """stint-broker on free ports, `under` a command that runs it; ended by SIGTERM, and it has to end well."""

    def __init__(self, *options, listen="tcp://127.0.0.1:*", events="tcp://127.0.0.1:*", under=()):
        self.log_file = tempfile.TemporaryFile("w+")
        mode = () if "--data" in options else ("--memory",)
        self.process = subprocess.Popen([*under, f"{BIN}/stint-broker", *mode, "--listen", listen, "--events", events, *options],
                                        stdout=subprocess.PIPE, stderr=self.log_file, text=True)
        self.ready = self.read_line()
        fields = dict(word.split("=", 1) for word in self.ready.split()[2:])
        self.listen, self.events, self.fields = fields["listen"], fields["events"], fields

    def read_line(self):
        readable, _, _ = select.select([self.process.stdout], [], [], DEADLINE)
        line = self.process.stdout.readline() if readable else ""
        if not line:
            self.process.kill()
            raise AssertionError(f"the broker is not ready; its log:\n{self.log()}")
        return line.rstrip("\n")

    def log(self):
        self.log_file.seek(0)
        return self.log_file.read()

    def memory(self):
        """Bytes resident at the most so far."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(DEADLINE)

    def whole_log(self):
        """Ends the broker, so that its log is complete."""
        self.signal(signal.SIGTERM)
        self.wait()
        return self.log()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            code = self.wait()
            assert error or code == 0, f"the broker exited with {code}; its log:\n{self.log()}"
        self.process.stdout.close()
        if error:
            print(self.log())
        self.log_file.close()


def header(number, session=0, seq=0, major=1, magic=b"ST"):
    return magic + struct.pack("<BBII", major, number, session, seq)


class Message:
    def __init__(self, frames):
        _, self.number, self.session, self.seq = struct.unpack("<BBII", frames[0][2:12])
        self.name = NAMES[self.number]
        self.fields = msgpack.unpackb(frames[0][12:])
        self.blob = frames[1] if len(frames) > 1 else b""

    def __getitem__(self, field):
        return self.fields[field]

    def get(self, field, default=0):
        return self.fields.get(field, default)


class Peer:
    incarnations = iter(range(0x1000, 1 << 32))

    def __init__(self, endpoint, routing_id=None):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        if routing_id is not None:
            self.socket.setsockopt(zmq.ROUTING_ID, routing_id)
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.socket.connect(endpoint)
        self.session = self.seq = self.hello_no = 0
        self.incarnation = next(self.incarnations)

    def say_frames(self, *frames):
        self.socket.send_multipart(frames)

    def say(self, message, /, blob=None, **fields):
        """The next message of the session; outside one, numbers are 0."""
        self.seq += self.session != 0
        self.say_numbered(message, self.session, self.seq, blob, **fields)

    def say_numbered(self, message, /, session, seq, blob=None, **fields):
        head = header(NUMBERS[message], session, seq) + msgpack.packb(fields)
        self.say_frames(head, *([blob] if blob is not None else []))

    def greet(self, **fields):
        self.hello_no += 1
        self.session = self.seq = 0
        self.say("HELLO", incarnation=self.incarnation, hello_no=self.hello_no, **fields)
        welcome = self.hear("WELCOME")
        self.session = welcome.session
        return welcome

    def next_message(self, seconds=DEADLINE):
        """The next message, or None."""
        if not self.socket.poll(seconds * 1000):
            return None
        return Message(self.socket.recv_multipart())

    def hear(self, name):
        """The next message of that name; heartbeats and the like in between are passed over."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            message = self.next_message(end - time.monotonic())
            if message is not None and message.name == name:
                return message
        raise AssertionError(f"heard no {name}")

    def wait_until_cut_off(self):
        assert self.monitor.poll(DEADLINE * 1000), "the broker did not cut the connection"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(0)
