"""A broker, workers, clients and watchers as real processes: what the tests of a whole farm share.

    with Farm() as farm:
        farm.worker("echo-worker")
        code, output, said = farm.stint("submit", "--kind", "echo", "--results", "-k", input=b"a\\nb\\n")
        farm.job("1")["done"] == 2

Whatever still runs at the end is killed, by its process id; the broker has to end well by SIGTERM. Nothing here sleeps: everything
waits for an event, with a deadline.
"""
import collections
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import msgpack
import zmq

from raw import BIN, DEADLINE, SANITIZED, Broker

QUICK = ("--heartbeat-ms", "1000" if SANITIZED else "100")  # a lost peer is noticed in three of them
MIB = 1 << 20


class Process(subprocess.Popen):
    """A program whose standard error is kept; `peak` is the most memory that was seen resident."""

    def __init__(self, command, **options):
        self.said_file = tempfile.TemporaryFile()
        self.peak = 0
        self.unread = b""
        super().__init__([str(word) for word in command], stderr=self.said_file, **options)

    def said(self):
        self.said_file.seek(0)
        return self.said_file.read().decode(errors="replace")

    def measure(self):
        self.peak = peak_of(self.pid) or self.peak
        return self.peak

    def end(self, number=signal.SIGKILL):
        """Sends the signal and waits for the end."""
        self.send_signal(number)
        return self.wait(DEADLINE)

    def line(self):
        """The next line of its output, with its newline; fewer bytes at its end."""
        while b"\n" not in self.unread:
            readable, _, _ = select.select([self.stdout], [], [], DEADLINE)
            if not readable:
                raise AssertionError(f"{self.args[0]} writes nothing more; it said: {self.said()}")
            part = os.read(self.stdout.fileno(), MIB)
            if not part:
                break
            self.unread += part
        end = self.unread.find(b"\n") + 1 or len(self.unread)
        line, self.unread = self.unread[:end], self.unread[end:]
        return line

    def lines(self):
        """The rest of its output, as lines; waits for its end."""
        with deadline(f"the end of {self.args[0]}"):
            output = self.unread + self.stdout.read()
            self.wait()
        return output.splitlines()


def peak_of(pid):
    """Bytes resident at the most so far; None when the process has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return None


@contextlib.contextmanager
def deadline(what):
    """Raises when what is inside blocks for too long."""

    def give_up(*_):
        raise AssertionError(f"waited in vain for {what}")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(DEADLINE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Gate:
    """Holds tasks `wait PATH` of an obey worker in mid-run."""

    def __init__(self, directory, name):
        self.path = os.path.join(directory, name)
        os.mkfifo(self.path)
        self.task = f"wait {self.path}"
        self.held = None

    def await_task(self):
        """Waits until a task stands at the gate; another time, when that one was lost, until its heir does."""
        with deadline("a task at the gate"):
            writer = os.open(self.path, os.O_WRONLY)
        if self.held is not None:
            os.close(self.held)  # after the other was opened: an heir who stands here already must not be let through
        self.held = writer

    def open(self):
        """Lets through who stands here, and who comes later."""
        held = self.held if self.held is not None else os.open(self.path, os.O_RDWR)
        os.unlink(self.path)
        with open(self.path, "wb"):
            os.close(held)


class RunLog:
    """What obey workers really ran, as they wrote it down themselves: `farm.worker("obey", env=log.env)`."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "runs")
        open(self.path, "w").close()
        self.env = {**os.environ, "OBEY_LOG": self.path}

    def lines(self):
        with open(self.path) as file:
            for line in file:
                what, *figures = line.split()
                yield what, *map(int, figures)

    def begun(self):
        """How often each (job, index) was begun."""
        return collections.Counter((job, index) for what, _, _, job, index, _, _ in self.lines() if what == "begin")

    def runs(self):
        """(begin, end, slot, job, index) of each run that ended, in seconds on one clock for all processes."""
        open_runs, runs = {}, []
        for what, process, thread, job, index, _, at in self.lines():
            if what == "begin":
                open_runs[process, job, index] = at / 1e9
            else:
                runs.append((open_runs.pop((process, job, index)), at / 1e9, (process, thread), job, index))
        return runs


def pass_time(seconds):
    """A fault lasts so long: this waits for nothing that happens."""
    select.select([], [], [], seconds)


class Watcher:
    """Hears the broker's events, as dictionaries. Made when the broker has answered the subscription."""

    def __init__(self, endpoint, *topics):
        self.socket = zmq.Context.instance().socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = 0
        for topic in (*topics, "broker."):
            self.socket.subscribe(topic)
        self.socket.connect(endpoint)
        self.heard = []  # all so far
        self.await_event(lambda event: event["topic"] == "broker.")

    def next_event(self, until):
        if not self.socket.poll(max(0, until - time.monotonic()) * 1000):
            return None
        topic, head = self.socket.recv_multipart()
        body = msgpack.unpackb(head[12:])
        event = {"topic": topic.decode(), "event": body["event"], "seq": body.get("seq", 0), "epoch": body["epoch"],
                 "store": body["store"], **body.get("fields", {})}
        self.heard.append(event)
        return event

    def await_event(self, wanted):
        """The next event that is as wanted: by a test of it, or by its name."""
        is_wanted = wanted if callable(wanted) else lambda event: event["event"] == wanted
        until = time.monotonic() + DEADLINE
        while (event := self.next_event(until)) is not None:
            if is_wanted(event):
                return event
        raise AssertionError(f"the event that was waited for did not come; the last ones were {self.heard[-5:]}")

    def catch_up(self):
        """Hears all that was told until now: a new subscription is answered behind it."""
        topic = f"worker.mark-{len(self.heard)}."
        self.socket.subscribe(topic)
        self.await_event(lambda event: event["topic"] == topic)

    def await_beats(self, count):
        """Lets that many heartbeats of the broker pass."""
        for _ in range(count):
            self.await_event("beat")

    def close(self):
        self.socket.close(0)


class Proxy:
    """A network between a peer and the broker that can be cut."""

    def __init__(self, endpoint):
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.lock = threading.Lock()
        self.is_cut = False
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                with self.lock:
                    if self.is_cut:
                        near.close()
                        continue
                    far = socket.create_connection(self.target)
                    self.sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self.forward, args=(source, sink), daemon=True).start()

    @staticmethod
    def forward(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for side in (source, sink):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Connections break, and new ones are refused."""
        with self.lock:
            self.is_cut = True
            for each in self.sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def mend(self):
        with self.lock:
            self.is_cut = False

    def close(self):
        self.cut()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for each in self.sockets:
            each.close()


class Farm:
    def __init__(self, *options):
        self.options = options or QUICK
        self.listen_first = "tcp://127.0.0.1:*"
        self.broker = None
        self.processes = []
        self.closed_at_end = contextlib.ExitStack()
        self.directory = None

    def __enter__(self):
        self.start_broker()
        self.directory = tempfile.mkdtemp(prefix="stint-")
        return self

    def __exit__(self, kind, error, trace):
        try:
            for process in reversed(self.processes):
                if process.poll() is None:
                    process.kill()
                process.wait()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        with contextlib.suppress(BrokenPipeError):
                            pipe.close()
                if error and process.said():
                    print(process.args[0], process.said())
                process.said_file.close()
            self.closed_at_end.close()
            self.broker.__exit__(kind, error, trace)
        finally:
            shutil.rmtree(self.directory)

    def start_broker(self):
        """On free ports; another time on the same ones again, once the first has ended."""
        where = {"listen": self.listen_first} if self.broker is None else {"listen": self.broker.listen, "events": self.broker.events}
        if self.broker is not None:
            self.broker.__exit__(None, None, None)
        self.broker = Broker(*self.options, **where)
        self.listen, self.events = self.broker.listen, self.broker.events

    def kill_broker(self):
        self.broker.signal(signal.SIGKILL)
        self.broker.wait()

    def start(self, *command, **options):
        self.processes.append(Process(command, **options))
        return self.processes[-1]

    def dismiss(self, process):
        """One that has ended, and of which nothing more is to be known."""
        self.processes.remove(process)
        for pipe in (process.stdin, process.stdout, process.said_file):
            if pipe is not None:
                pipe.close()

    def worker(self, program, *arguments, broker=None, under=(), **options):
        """A worker, such as those of the examples; `under` is a command that runs it."""
        return self.start(*under, f"{BIN}/{program}", "--broker", broker or self.listen, *arguments, **options)

    def start_stint(self, command, *arguments, broker=None, **options):
        return self.start(f"{BIN}/stint", command, "--broker", broker or self.listen, *arguments,
                          **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options})

    def stint(self, command, *arguments, input=b"", broker=None):
        """Runs it to its end. Returns exit code, output and what it said on standard error."""
        process = self.start_stint(command, *arguments, broker=broker, stdin=subprocess.PIPE)
        output, _ = process.communicate(input, timeout=DEADLINE)
        return process.returncode, output, process.said()

    def submit(self, *arguments, input):
        """A job that nobody waits for; returns its id."""
        code, output, said = self.stint("submit", *arguments, input=input)
        assert code == 0, said
        return output.decode().strip()

    def job(self, selector):
        code, output, said = self.stint("job", selector, "--json")
        assert code == 0, said
        return json.loads(output)

    def rows(self, what):
        """Of `jobs` or `workers`."""
        code, output, said = self.stint(what, "--json")
        assert code == 0, said
        return [json.loads(line) for line in output.splitlines()]

    def await_worker(self, name):
        """Waits until the broker has welcomed it."""
        with contextlib.closing(Watcher(self.events, f"worker.{name}.")) as watcher:
            watcher.await_event(lambda event: event["topic"] == f"worker.{name}." and event["event"] in ("state", "joined"))

    def watch(self, *topics):
        watcher = Watcher(self.events, *topics)
        self.closed_at_end.callback(watcher.close)
        return watcher

    def await_workers(self, count):
        """Waits until so many are in session."""
        watcher = self.watch("worker.")
        while len(self.rows("workers")) < count:
            watcher.await_event(lambda event: event["event"] in ("joined", "left", "lost", "beat"))

    def watch_job(self, selector):
        return self.watch(f"job.{selector}.")

    def proxy(self):
        proxy = Proxy(self.listen)
        self.closed_at_end.callback(proxy.close)
        return proxy

    def run_log(self):
        return RunLog(self.directory)

    def gate(self, name="gate"):
        return Gate(self.directory, name)


class DurableFarm(Farm):
    """Its broker keeps its jobs in a directory of its own; `where` it lies may be said."""

    def __init__(self, *options, where=None):
        self.data = tempfile.TemporaryDirectory(prefix="stint-data-", dir=where)
        super().__init__(*(options or QUICK), "--data", self.data.name)

    def __exit__(self, *error):
        super().__exit__(*error)
        self.data.cleanup()

    def replace_broker(self):
        self.kill_broker()
        self.start_broker()


def check(directory):
    """What stint-broker --check says of it: exit code and text."""
    done = subprocess.run([f"{BIN}/stint-broker", "--check", directory], capture_output=True, text=True, timeout=DEADLINE)
    return done.returncode, done.stdout + done.stderr


def read_exactly(pipe, size):
    """So many bytes; fewer at its end."""
    parts = []
    while size > 0:
        readable, _, _ = select.select([pipe], [], [], DEADLINE)
        if not readable:
            raise AssertionError("nothing came from the pipe")
        part = os.read(pipe.fileno(), min(size, MIB))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def numbers(first, last):
    """What `seq first last` prints."""
    return b"".join(b"%d\n" % i for i in range(first, last + 1))
