"""zmq-sub against a publisher played by this test, so that every event can be lost, doubled or late at will."""
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import time
import unittest

import msgpack
import zmq

BIN = os.environ.get("STINT_BIN", "build/dev/bin")
DEADLINE = 60 if os.environ.get("STINT_SANITIZE") else 20


class Publisher:
    """The events socket of a broker, or anybody's."""

    def __init__(self):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.XPUB)
        self.socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self.endpoint = f"tcp://127.0.0.1:{self.port}"

    def subscription(self):
        if not self.socket.poll(DEADLINE * 1000):
            raise AssertionError("nobody subscribed")
        return self.socket.recv()

    def await_subscription(self, prefix):
        while self.subscription() != b"\x01" + prefix.encode():
            pass

    def await_subscriptions(self, prefixes):
        missing = {b"\x01" + prefix.encode() for prefix in prefixes}
        while missing:
            missing.discard(self.subscription())

    def event(self, topic, event, seq, epoch=1, store=1, **fields):
        body = msgpack.packb({"event": event, "epoch": epoch, "store": store, "seq": seq, "fields": fields})
        self.socket.send_multipart([topic.encode(), b"ST" + struct.pack("<BBII", 1, 40, 0, 0) + body])

    def job(self, event, seq, job=7, done=0, failed=0, cancelled=0, total=10, state="open", epoch=1, store=1, name="render", **more):
        queued = total - done - failed - cancelled
        self.event(f"job.{job}.", event, seq, epoch, store, job=job, name=name, kind="echo", state=state, total=total,
                   queued=queued, delayed=0, running=0, done=done, failed=failed, cancelled=cancelled, left=queued, **more)

    def close(self):
        self.socket.close()
        self.context.term()


class Watcher:
    def __init__(self, endpoint, *arguments, stdout=subprocess.PIPE, environment=None):
        self.process = subprocess.Popen([f"{BIN}/zmq-sub", *(["--connect", endpoint] if endpoint else []), *arguments],
                                        bufsize=0, stdout=stdout, stderr=subprocess.PIPE, env=environment or os.environ)

    def line(self):
        readable, _, _ = select.select([self.process.stdout], [], [], DEADLINE)
        if not readable:
            raise AssertionError("no line came")
        return self.process.stdout.readline().decode()

    def event(self):
        return json.loads(self.line())

    def wait(self):
        return self.process.wait(DEADLINE)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


def prefixes_of(arguments):
    """What zmq-sub subscribes to, besides the broker's beat."""
    values = {name: [value for option, value in zip(arguments, arguments[1:]) if option == name] for name in ("--topic", "--until-end")}
    return values["--topic"] or ["job." + job + "." if job.isdigit() else "job." for job in values["--until-end"]] or [""]


class WithPublisher(unittest.TestCase):
    def setUp(self):
        self.publisher = Publisher()
        self.addCleanup(self.publisher.close)

    def watch(self, *arguments, **options):
        watcher = Watcher(self.publisher.endpoint, *arguments, **options)
        self.addCleanup(watcher.stop)
        self.publisher.await_subscriptions({"broker.", *prefixes_of(arguments)})
        return watcher


class Json(WithPublisher):
    def test_names_and_their_order_stay(self):
        watcher = self.watch()
        self.publisher.job("stalled", 1, reason="nobody offers echo")
        self.assertEqual(list(watcher.event()), [
            "topic", "event", "seq", "epoch", "job", "name", "kind", "total", "queued", "delayed", "running", "done", "failed",
            "cancelled", "left", "state", "reason", "store"])

    def test_one_start_steps_that_never_go_back_one_end(self):
        watcher = self.watch("--json", "--topic", "job.")
        self.publisher.job("opened", 1)
        self.publisher.job("started", 2)
        self.publisher.job("progress", 3, done=4)
        self.publisher.job("state", 3, done=4)      # somebody else has subscribed
        self.publisher.job("started", 2)            # doubled
        self.publisher.job("progress", 4, done=8)
        self.publisher.job("progress", 3, done=4)   # late
        self.publisher.job("ended", 5, done=10, state="ended", outcome="done")
        self.publisher.job("state", 5, done=10, state="ended")
        self.publisher.job("opened", 1, job=8)
        told = [watcher.event() for _ in range(6)]
        self.assertEqual([event["event"] for event in told], ["opened", "started", "progress", "progress", "ended", "opened"])
        self.assertEqual([event["done"] for event in told], [0, 0, 4, 8, 10, 0])

    def test_a_late_watcher_is_right_at_once(self):
        watcher = self.watch("--json")
        self.publisher.job("state", 41, done=4)
        self.publisher.job("progress", 42, done=5)
        self.assertEqual([(e["event"], e["done"]) for e in (watcher.event(), watcher.event())], [("state", 4), ("progress", 5)])

    def test_a_gap_is_told(self):
        watcher = self.watch("--json")
        self.publisher.job("opened", 1)
        self.publisher.job("progress", 5, done=4)
        self.assertNotIn("missed", watcher.event())
        self.assertEqual(watcher.event()["missed"], 3)

    def test_a_new_store_starts_afresh(self):
        watcher = self.watch("--json")
        self.publisher.job("opened", 1)
        self.publisher.job("ended", 2, state="ended")
        self.publisher.job("opened", 1, store=2)
        self.assertEqual([watcher.event()["store"][-1] for _ in range(3)], ["1", "1", "2"])

    def test_names_cannot_break_the_line(self):
        watcher = self.watch("--json")
        self.publisher.job("opened", 1, name="a\nb\x1b[31m\"")
        self.assertEqual(watcher.event()["name"], "a\nb\x1b[31m\"")

    def test_only_the_topics_asked_for(self):
        watcher = self.watch("--json", "--topic", "job.1.")
        self.publisher.event("broker.", "beat", 1, jobs=1)
        self.publisher.job("opened", 1, job=10)
        self.publisher.job("opened", 1, job=1)
        self.assertEqual(watcher.event()["job"], 1)


class UntilEnd(WithPublisher):
    def ends_with(self, watcher, code):
        self.assertEqual(watcher.wait(), code, watcher.process.stderr.read().decode())

    def test_exit_codes_tell_how_it_ended(self):
        for how, code in (({"done": 10, "outcome": "done"}, 0), ({"failed": 1, "done": 9, "outcome": "failed"}, 1),
                          ({"cancelled": 3, "outcome": "cancelled"}, 3)):
            watcher = self.watch("--until-end", "7", "--json")
            self.publisher.job("ended", 2, state="ended", **how)
            self.ends_with(watcher, code)

    def test_by_name(self):
        watcher = self.watch("--until-end", "render", "--json")
        self.publisher.job("ended", 2, job=8, name="other", state="ended")
        self.publisher.job("ended", 2, job=9, done=10, state="ended")
        self.ends_with(watcher, 0)

    def test_several(self):
        watcher = self.watch("--until-end", "7", "--until-end", "8", "--json")
        self.publisher.job("ended", 2, job=8, failed=1, state="ended")
        self.publisher.job("ended", 2, job=7, done=10, state="ended")
        self.ends_with(watcher, 1)

    def test_an_end_learnt_late_is_told_as_the_end(self):
        watcher = self.watch("--until-end", "7", "--json")
        self.publisher.job("state", 9, done=10, state="ended")
        self.assertEqual(watcher.event()["event"], "ended")
        self.ends_with(watcher, 0)

    def test_an_unknown_job(self):
        watcher = self.watch("--until-end", "7")
        self.publisher.event("job.7.", "unknown", 0)
        self.ends_with(watcher, 6)

    def test_a_job_that_went_with_its_brokers_memory(self):
        watcher = self.watch("--until-end", "render", "--json")
        self.publisher.event("broker.", "beat", 1)
        self.publisher.job("progress", 2, done=4)
        self.assertEqual(watcher.event()["event"], "progress")
        self.publisher.event("broker.", "beat", 1, store=2)
        self.ends_with(watcher, 6)

    def test_a_job_that_is_yet_to_come_may_come_to_another_broker(self):
        watcher = self.watch("--until-end", "render", "--json")
        self.publisher.event("broker.", "beat", 1)
        self.publisher.event("broker.", "beat", 1, store=2)
        self.publisher.job("ended", 2, done=10, state="ended", store=2)
        self.ends_with(watcher, 0)


class Silence(WithPublisher):
    def test_a_silent_job_is_asked_after_and_its_end_is_learnt(self):
        watcher = self.watch("--until-end", "7", "--json")
        self.publisher.job("started", 2)
        self.publisher.await_subscription("job.7.")  # 5 seconds later
        self.publisher.job("state", 3, done=10, state="ended")
        self.assertEqual([watcher.event()["event"] for _ in range(2)], ["started", "ended"])
        self.assertEqual(watcher.wait(), 0)

    def test_a_broker_that_misses_its_beats_is_connected_to_anew(self):
        watcher = self.watch("--json", "--topic", "job.")
        self.publisher.event("broker.", "beat", 1, heartbeat_ms=50)
        self.publisher.await_subscriptions({"broker.", "job."})
        self.publisher.job("opened", 1)
        self.assertEqual(watcher.event()["event"], "opened")


class Strangers(WithPublisher):
    def test_messages_of_any_other_program(self):
        watcher = self.watch()
        self.publisher.socket.send_multipart([b"weather", b"12 C"])
        self.publisher.socket.send_multipart([b"alone"])
        self.publisher.socket.send_multipart([b"binary", b"\xff\x00"])
        self.assertEqual(watcher.event(), {"topic": "weather", "frames": ["12 C"]})
        self.assertEqual(watcher.event(), {"topic": "alone", "frames": []})
        self.assertEqual(watcher.event(), {"topic": "binary", "frames": ["\\xff\\x00"]})

    def test_what_only_looks_like_an_event_is_a_message(self):
        watcher = self.watch()
        self.publisher.socket.send_multipart([b"job.7.", b"ST\x01\x28" + b"\x00" * 8 + b"\xdd\xff\xff\xff\xff"])
        self.assertEqual(watcher.event()["topic"], "job.7.")


class NothingToHear(WithPublisher):
    """What is waited for in vain is named on standard error."""

    def said(self, watcher):
        readable, _, _ = select.select([watcher.process.stderr], [], [], DEADLINE)
        self.assertTrue(readable, "not a word")
        return os.read(watcher.process.stderr.fileno(), 65536).decode()

    def test_nobody_is_there(self):
        watcher = Watcher("ipc:///nowhere/at-all")
        self.addCleanup(watcher.stop)
        self.assertIn("nothing is heard from ipc:///nowhere/at-all", self.said(watcher))

    def test_no_such_job(self):
        watcher = self.watch("--until-end", "fiml")
        self.publisher.event("broker.", "state", 1, heartbeat_ms=3_600_000)
        self.publisher.job("state", 1, name="film")
        self.assertIn("no job with the name or key fiml yet", self.said(watcher))

    def test_the_broker_goes_and_comes(self):
        watcher = self.watch("--json", "--topic", "job.")
        self.publisher.event("broker.", "beat", 1, heartbeat_ms=50)
        self.assertIn("is silent: connecting again", self.said(watcher))
        self.publisher.await_subscriptions({"broker.", "job."})
        self.publisher.event("broker.", "beat", 2, heartbeat_ms=3_600_000)
        self.assertIn("is back", self.said(watcher))


class AsAUnixTool(WithPublisher):
    def test_interrupt(self):
        watcher = self.watch()
        watcher.process.send_signal(signal.SIGINT)
        self.assertEqual(watcher.wait(), 130)

    def test_a_reader_that_leaves_ends_it_quietly(self):
        watcher = self.watch("--json")
        watcher.process.stdout.close()
        self.publisher.job("opened", 1)
        self.assertEqual(watcher.wait(), 0)
        self.assertEqual(watcher.process.stderr.read(), b"")
        watcher.process.stdout = None

    def test_the_environment_names_the_socket(self):
        watcher = Watcher(None, "--json", environment=dict(os.environ, STINT_EVENTS=self.publisher.endpoint))
        self.addCleanup(watcher.stop)
        self.publisher.await_subscriptions({"broker.", ""})

    def test_what_is_wrong_is_named(self):
        for arguments, named in ((["--tpoic", "x"], b"--tpoic"), (["--connect", "localhost:5556"], b"localhost:5556"),
                                 (["job.7."], b"job.7."), (["--json", "--bars"], b"--bars")):
            watcher = Watcher(None, *arguments)
            self.addCleanup(watcher.stop)
            self.assertEqual(watcher.wait(), 2)
            self.assertIn(named, watcher.process.stderr.read())

    def test_help(self):
        watcher = Watcher(None, "--help")
        self.addCleanup(watcher.stop)
        self.assertIn("--until-end", watcher.process.stdout.read().decode())
        self.assertEqual(watcher.wait(), 0)


class Bars(WithPublisher):
    def setUp(self):
        super().setUp()
        self.master, slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        self.watcher = self.watch("--until-end", "7", stdout=slave)
        os.close(slave)
        self.screen = b""

    def see(self, text):
        """Waits until the terminal was sent the text."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.screen:
            readable, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            self.assertTrue(readable, f"{text} is not in {self.screen}")
            self.screen += os.read(self.master, 65536)

    def test_a_terminal_gets_bars_and_the_end_stays(self):
        self.publisher.job("opened", 1, name="ren\x1b[5mder", workers=2)
        self.see(b"7 ren\\x1b[5mder [")
        self.publisher.job("progress", 2, done=5, state="closed", workers=2)
        self.see(b"5/10 50%")
        self.publisher.job("ended", 3, done=10, state="ended", outcome="done")
        self.see(b"7 render: 10 done of 10")
        self.assertEqual(self.watcher.wait(), 0)

    def test_while_the_broker_is_away_they_say_so_and_then_go_on(self):
        self.publisher.job("opened", 1, done=3)
        self.see(b"3/10")
        self.publisher.event("broker.", "beat", 1, heartbeat_ms=200)  # and from here on none
        self.see(b"3/10+ 30% reconnecting")
        self.publisher.await_subscriptions({"broker.", "job.7."})
        self.publisher.event("broker.", "beat", 1, epoch=2, heartbeat_ms=60_000)
        self.publisher.job("progress", 1, done=5, epoch=2)
        self.see(b"5/10+ 50%")
        self.assertNotIn(b"50% reconnecting", self.screen)
        self.publisher.job("ended", 2, done=10, state="ended", outcome="done", epoch=2)
        self.assertEqual(self.watcher.wait(), 0)

    def test_another_brokers_jobs_take_the_place_of_those_that_are_gone(self):
        self.watcher.stop()
        self.master, slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        self.watcher = self.watch("--topic", "job.", stdout=slave)
        os.close(slave)
        self.publisher.job("opened", 1, job=7, name="old")
        self.see(b"7 old [")
        self.publisher.job("opened", 1, job=8, name="new", store=2)
        self.see(b"8 new [")
        self.assertNotIn(b"7 old [", self.screen[self.screen.rindex(b"8 new [") - 20:])


if __name__ == "__main__":
    sys.exit(unittest.main())
