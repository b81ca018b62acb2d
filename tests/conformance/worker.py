"""A Stint worker, written from common/wire/PROTOCOL.md alone. usage: /usr/bin/python3 worker.py BROKER KIND [NAME]"""
import hashlib, secrets, signal, struct, sys, time, msgpack, zmq
HELLO, WELCOME, HELLO_AGAIN, HEARTBEAT, BYE, ERROR, TASKS, RESULTS_ACK, RECALL, RELEASE, DRAIN, RESULTS = *range(1, 7), *range(21, 26), 28
KINDS = {"echo": bytes, "upper": bytes.upper, "stretch": lambda payload: hashlib.pbkdf2_hmac("sha256", payload, b"stint", 5000).hex().encode()}
class Worker:
    def __init__(self, broker, kind, name=""):
        self.me = {"role": 2, "incarnation": secrets.randbits(64), "name": name, "kinds": [kind], "slots": 1}
        self.broker, self.handler, self.context, self.store, self.hello_no = broker, KINDS[kind], zmq.Context(), 0, 0
        self.context.linger, self.interval, self.liveness, self.heard, self.leaving = 500, 2.0, 3, -9.0, False
        self.todo, self.unacked = {}, {}  # by (lease, index): [job, payload], and [job, result, number of its RESULTS]
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "leaving", True))
    def send(self, number, fields, blob=b""):
        self.seq, self.said = self.seq + (number != HELLO), time.monotonic()
        head = b"ST\x01" + struct.pack("<BII", number, self.session, self.seq) + msgpack.packb(fields)
        self.socket.send_multipart([head, blob] if blob else [head])
    def greet(self):
        held, self.hello_no, self.session, self.seq, self.seen = {}, self.hello_no + 1, 0, 0, 0
        for (lease, index), task in (self.todo | self.unacked).items():
            held.setdefault(lease, {"lease": lease, "job": task[0], "runs": []})["runs"] += [index, 1]
        self.send(HELLO, self.me | {"hello_no": self.hello_no, "store": self.store, "draining": self.leaving, "held": [*held.values()]})
    def welcome(self, session, f):
        if f["store"] != self.store: self.todo, self.unacked = {}, {}
        self.session, self.store, self.interval, self.liveness = session, f["store"], f["heartbeat_ms"] / 1000, f["liveness"]
        for drop in f.get("drop", []): self.release(drop["lease"], drop["runs"], self.todo, self.unacked)
        for key, (job, result, _) in self.unacked.items(): self.answer(key, job, result)
    def release(self, lease, runs, *places):
        inside = lambda index: not runs or any(a <= index < a + n for a, n in zip(runs[::2], runs[1::2]))
        gone = [key[1] for place in places for key in [*place] if key[0] == lease and inside(key[1]) and place.pop(key)]
        self.send(RELEASE, {"lease": lease, "runs": [number for index in gone for number in (index, 1)]})
    def take(self, f, n, first, blob, at=0):
        sizes = struct.unpack(f"<{n}I", f["sizes"]) if isinstance(f.get("sizes"), bytes) else [f.get("sizes", 0)] * n
        indices = struct.unpack(f"<{n}Q", f["indices"]) if "indices" in f else range(first, first + n)
        for index, size in zip(indices, sizes): self.todo[f["lease"], index], at = [f["job"], blob[at:at + size]], at + size
    def answer(self, key, job, result):
        self.send(RESULTS, {"lease": key[0], "n": 1, "first": key[1], "sizes": len(result)}, result)
        self.unacked[key] = [job, result, self.seq]
    def receive(self, head, blob=b""):
        (number, session, seq), f, self.heard = struct.unpack("<BII", head[3:12]), msgpack.unpackb(head[12:]), time.monotonic()
        if number == WELCOME and not self.session and f["hello_no"] == self.hello_no: return self.welcome(session, f)
        if number == ERROR and not session: sys.exit(f["text"])
        if self.session and (number == HELLO_AGAIN or session == self.session and seq > self.seen + 1): return self.greet()
        if session != self.session or seq != self.seen + 1: return
        self.seen, self.leaving, self.interval = seq, self.leaving or number == DRAIN, f.get("heartbeat_ms", self.interval * 1000) / 1000
        if number == TASKS: self.take(f, f["n"], f.get("first", 0), blob)
        if number == RECALL: self.release(f["lease"], f.get("runs"), self.todo)
        if number in (RESULTS_ACK, HEARTBEAT): self.unacked = {k: t for k, t in self.unacked.items() if t[2] > f.get("upto", 0)}
    def run(self):
        while not (self.leaving and self.session and not self.unacked):
            if time.monotonic() - self.heard >= self.liveness * self.interval:
                self.socket, self.heard = self.context.socket(zmq.DEALER), time.monotonic()
                self.socket.connect(self.broker)
                self.greet()
            busy = self.session and self.todo and not self.leaving
            if self.socket.poll(0 if busy else self.interval * 250): self.receive(*self.socket.recv_multipart())
            elif busy:  # one task between two looks at the socket: a handler has to return well within an interval
                key, (job, payload) = self.todo.popitem()
                self.answer(key, job, self.handler(payload))
            if self.session and time.monotonic() - self.said >= self.interval: self.send(HEARTBEAT, {"queued": len(self.todo)})
        self.send(BYE, {"reason": "leaving; what has not started goes back"})
Worker(*sys.argv[1:]).run()
