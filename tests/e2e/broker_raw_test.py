"""The broker against peers that send what no library of ours would. The rows are those of the project's list of faults."""
import signal
import socket
import subprocess
import tempfile
import unittest

import msgpack

from raw import (BAD_VALUE, BIN, CLIENT, DEADLINE, MALFORMED, NUMBERS, SANITIZED, UNKNOWN_MESSAGE, VERSION, WORKER, Broker,
                 Peer, header)

MIB = 1 << 20


def still_serves(broker):
    with Peer(broker.listen) as peer:
        peer.greet(role=CLIENT)


def connect_tcp(endpoint):
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=DEADLINE)


def is_closed_by_the_other_side(connection):
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


class Row1GarbageOnThePort(unittest.TestCase):
    def test_strangers_are_closed_after_the_handshake_limit(self):
        greeting = b"\xff\0\0\0\0\0\0\0\1\x7f"
        strangers = {
            "nothing": b"",
            "HTTP": b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n",
            "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
            "half a greeting": greeting[:5],
            "a greeting, then silence": greeting + b"\3\0NULL" + bytes(48),
            "garbage": bytes(range(256)) * 64,
        }
        with Broker("--handshake-ms", "200") as broker:
            connections = {name: connect_tcp(broker.listen) for name in strangers}
            for name, connection in connections.items():
                connection.sendall(strangers[name])
            still_serves(broker)
            for name, connection in connections.items():
                with self.subTest(name), connection:
                    self.assertTrue(is_closed_by_the_other_side(connection))
            still_serves(broker)


class Row4FramesAndMagic(unittest.TestCase):
    def test_wrong_numbers_of_frames_and_wrong_magic_are_answered(self):
        hello = header(NUMBERS["HELLO"]) + msgpack.packb({})
        with Broker() as broker:
            for name, frames in {
                "one empty frame": [b""],
                "empty frames": [b"", b""],
                "nine frames": [hello] * 9,
                "ten thousand frames": [hello] * 10_000,
                "wrong magic": [b"XX" + hello[2:]],
                "shorter than a header": [hello[:11]],
            }.items():
                with self.subTest(name), Peer(broker.listen) as peer:
                    peer.say_frames(*frames)
                    self.assertEqual(peer.hear("ERROR")["code"], MALFORMED)
                    peer.greet(role=CLIENT)

    def test_who_keeps_on_is_ignored_and_the_others_are_not(self):
        with Broker() as broker, Peer(broker.listen) as stranger:
            for _ in range(32):
                stranger.say_frames(b"no message")
                stranger.hear("ERROR")
            stranger.say_frames(b"no message")
            stranger.say("HELLO", role=CLIENT, incarnation=1, hello_no=1)
            still_serves(broker)
            self.assertIsNone(stranger.next_message(seconds=0.2))
            self.assertIn("ignoring a peer", broker.whole_log())

    def test_an_address_of_its_own_is_refused_with_the_remedy(self):
        with Broker() as broker, Peer(broker.listen, routing_id=b"my name") as peer:
            peer.say("HELLO", role=CLIENT, incarnation=1, hello_no=1)
            error = peer.hear("ERROR")
            self.assertEqual(error["code"], BAD_VALUE)
            self.assertIn("ZMQ_ROUTING_ID", error["text"])


class Row5TooLarge(unittest.TestCase):
    def test_a_raw_peer_is_disconnected(self):
        with Broker() as broker, Peer(broker.listen) as peer:
            peer.greet(role=CLIENT)
            peer.say_frames(header(NUMBERS["SUBMIT"]) + msgpack.packb({}), bytes(17 * MIB))
            peer.wait_until_cut_off()
            still_serves(broker)


class Row6Msgpack(unittest.TestCase):
    def test_hostile_bodies_are_malformed_and_use_little_memory(self):
        bodies = {
            "an array of 2^32 - 1": b"\xdd\xff\xff\xff\xff",
            "a map of 2^32 - 1": b"\xdf\xff\xff\xff\xff",
            "a string of 4 GiB": b"\x81\xa4name\xdb\xff\xff\xff\xff",
            "depth 100,000": b"\x81\xa4held" + b"\x91" * 100_000 + b"\xc0",
            "truncated": msgpack.packb({"name": "a worker"})[:-3],
            "trailing bytes": msgpack.packb({"name": "a worker"}) + b"\0",
            "a wrong type": msgpack.packb({"name": 7}),
            "bad UTF-8": b"\x81\xa4name\xa2\xff\xfe",
            "no map": msgpack.packb([1, 2, 3]),
            "nothing": b"",
        }
        with Broker() as broker:
            still_serves(broker)
            before = broker.memory()
            for name, body in bodies.items():
                with self.subTest(name), Peer(broker.listen) as peer:
                    peer.say_frames(header(NUMBERS["HELLO"]) + body)
                    error = peer.hear("ERROR")
                    self.assertEqual(error["code"], MALFORMED, error["text"])
                    self.assertTrue(error["text"])
            still_serves(broker)
            if not SANITIZED:
                self.assertLess(broker.memory() - before, 2 * MIB)  # sockets for ten peers included


class Row7Versions(unittest.TestCase):
    def test_an_unknown_message_is_named(self):
        with Broker() as broker, Peer(broker.listen) as peer:
            peer.say_frames(header(200) + msgpack.packb({}))
            error = peer.hear("ERROR")
            self.assertEqual(error["code"], UNKNOWN_MESSAGE)
            self.assertIn("200", error["text"])

    def test_a_newer_version_hears_both_versions(self):
        with Broker() as broker, Peer(broker.listen) as peer:
            peer.say_frames(header(NUMBERS["HELLO"], major=2) + msgpack.packb({}))
            error = peer.hear("ERROR")
            self.assertEqual((error["code"], error["expected"]), (VERSION, 1))
            self.assertIn("1", error["text"])
            self.assertIn("2", error["text"])


class Row8Sessions(unittest.TestCase):
    def test_an_unknown_session_is_asked_to_greet(self):
        with Broker() as broker:
            for name, fields in {"HEARTBEAT": {}, "RESULTS": {"lease": 1, "n": 1, "us": bytes(4)}, "ACK": {"job": 1}}.items():
                with self.subTest(name), Peer(broker.listen) as peer:
                    peer.say_numbered(name, session=77, seq=5, **fields)
                    self.assertTrue(peer.hear("HELLO_AGAIN").get("reason", ""))
                    peer.greet(role=CLIENT)

    def test_after_a_gap_nothing_is_missing(self):
        with Broker() as broker, Peer(broker.listen) as peer:
            peer.greet(role=CLIENT)
            peer.say("OPEN", req=1, kind="echo", key="a job")
            job = peer.hear("OPENED")["job"]
            peer.seq += 1  # one message is lost
            peer.say("CLOSE", job=job)
            peer.hear("HELLO_AGAIN")
            peer.greet(role=CLIENT)
            peer.say("OPEN", req=2, kind="echo", key="a job")
            self.assertEqual(peer.hear("OPENED")["job"], job)
            peer.say("CLOSE", job=job)
            self.assertTrue(peer.hear("ACCEPTED")["closed"])

    def test_a_duplicate_changes_nothing(self):
        with Broker() as broker, Peer(broker.listen) as peer:
            peer.greet(role=CLIENT)
            peer.say("OPEN", req=1, kind="echo", key="a job")
            job = peer.hear("OPENED")["job"]
            peer.say_numbered("OPEN", peer.session, peer.seq, req=1, kind="echo", key="a job")
            peer.say("QUERY", req=2, what="jobs")
            self.assertEqual([row["job"] for row in peer.hear("ANSWER")["rows"]], [job])


class Row16StrangeNames(unittest.TestCase):
    def test_slots_beyond_reason_are_clamped_or_refused(self):
        with Broker() as broker, Peer(broker.listen) as peer:
            peer.greet(role=WORKER, name="huge", kinds=["echo"], slots=1 << 31)
            with Peer(broker.listen) as client:
                client.greet(role=CLIENT)
                client.say("QUERY", req=1, what="workers")
                self.assertLessEqual(client.hear("ANSWER")["rows"][0]["slots"], 4096)

    def test_kinds_beyond_reason_are_refused(self):
        with Broker() as broker, Peer(broker.listen) as peer:
            peer.say("HELLO", role=WORKER, incarnation=1, hello_no=1, kinds=["k" * 10_000], slots=1)
            self.assertIn("kind", peer.hear("ERROR")["text"])

    def test_control_characters_of_a_name_do_not_reach_the_log(self):
        with Broker() as broker, Peer(broker.listen) as peer:
            peer.say("HELLO", role=WORKER, incarnation=1, hello_no=1, name="evil\n\x1b[31m../../etc", kinds=["echo"], slots=1)
            self.assertIn(peer.next_message().name, ("WELCOME", "ERROR"))
            still_serves(broker)
            log = broker.whole_log()
            self.assertNotIn("\x1b", log)
            self.assertNotIn("evil\n", log)


class Row31Leaving(unittest.TestCase):
    def test_sigterm_says_goodbye_and_ends_well(self):
        with Broker() as broker, Peer(broker.listen) as peer:
            peer.greet(role=CLIENT)
            peer.say("OPEN", req=1, kind="echo", key="a job")
            peer.hear("OPENED")
            broker.signal(signal.SIGTERM)
            self.assertTrue(peer.hear("BYE")["reason"])
            self.assertEqual(broker.wait(), 0)

    def test_a_second_signal_ends_it_at_once(self):
        with Broker() as broker:
            broker.signal(signal.SIGSTOP)  # so that both are there when it looks
            broker.signal(signal.SIGTERM)
            broker.signal(signal.SIGINT)
            broker.signal(signal.SIGCONT)
            self.assertIn(broker.wait(), (128 + signal.SIGTERM, 128 + signal.SIGINT))


def run_broker(*options):
    """Exit code and standard error of a broker that should not come to serve."""
    done = subprocess.run([f"{BIN}/stint-broker", "--memory", *options], capture_output=True, text=True, timeout=DEADLINE)
    return done.returncode, done.stderr


class Row32CannotServe(unittest.TestCase):
    def assert_refuses(self, code, options, *words):
        got, text = run_broker(*options)
        self.assertEqual(got, code, text)
        for word in words:
            self.assertIn(word, text)

    def test_bad_options_name_the_option_and_what_it_takes(self):
        for options, words in [
            (["--heartbeat-ms", "soon"], ["--heartbeat-ms", "10", "soon"]),
            (["--heartbeat-ms", "9"], ["--heartbeat-ms", "10"]),
            (["--liveness", "-1"], ["--liveness", "2"]),
            (["--keep-jobs", "99999999999999999999"], ["--keep-jobs"]),
            (["--log-level", "loud"], ["--log-level", "debug"]),
            (["--no-such-option"], ["no-such-option"]),
            (["stray"], ["stint-broker"]),
            (["--listen", "5555"], ["--listen", "5555", "tcp://127.0.0.1:5555"]),
        ]:
            with self.subTest(options=options):
                self.assert_refuses(2, options, "--help", *words)

    def test_a_port_in_use(self):
        with Broker() as broker:
            self.assert_refuses(1, ["--listen", broker.listen, "--events", "tcp://127.0.0.1:*"], broker.listen, "--listen")
            self.assert_refuses(1, ["--events", broker.events, "--listen", "tcp://127.0.0.1:*"], broker.events, "--events")
            still_serves(broker)

    def test_ipc_paths(self):
        with tempfile.TemporaryDirectory() as directory:
            path = f"ipc://{directory}/broker"
            with Broker(listen=path) as broker:
                self.assertEqual(broker.listen, path)
                still_serves(broker)
                self.assert_refuses(1, ["--listen", path, "--events", "tcp://127.0.0.1:*"], path, "--listen")
                still_serves(broker)
            missing = f"ipc://{directory}/missing/broker"
            self.assert_refuses(1, ["--listen", missing, "--events", "tcp://127.0.0.1:*"], missing, "directory")
            too_long = f"ipc://{directory}/{'x' * 200}"
            self.assert_refuses(1, ["--listen", too_long, "--events", "tcp://127.0.0.1:*"], "107")

    def test_an_address_of_another_machine(self):
        self.assert_refuses(1, ["--listen", "tcp://192.0.2.1:*", "--events", "tcp://127.0.0.1:*", "--insecure-public"],
                            "tcp://192.0.2.1:*", "--listen")

    def test_a_public_bind_without_keys_needs_consent(self):
        for name in ("--listen", "--events"):
            self.assert_refuses(2, [name, "tcp://*:*"], name, "--insecure-public")
        with Broker("--insecure-public", listen="tcp://*:*") as broker:
            port = broker.listen.rsplit(":", 1)[1]
            with Peer(f"tcp://127.0.0.1:{port}") as peer:
                peer.greet(role=CLIENT)


class Serving(unittest.TestCase):
    def test_it_says_where_and_what_it_is(self):
        with Broker() as broker:
            self.assertRegex(broker.ready, r"^stint-broker ready listen=tcp://127\.0\.0\.1:\d+ events=tcp://127\.0\.0\.1:\d+ "
                                           r"mode=memory epoch=1 store=[0-9a-f]{16}$")
            self.assertIn("worker crashes only", broker.whole_log().splitlines()[0])

    def test_help_and_version(self):
        for option, word in (("--help", "--heartbeat-ms"), ("--version", "stint-broker ")):
            done = subprocess.run([f"{BIN}/stint-broker", option], capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual(done.returncode, 0)
            self.assertIn(word, done.stdout)


if __name__ == "__main__":
    unittest.main()
