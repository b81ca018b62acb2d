#!/usr/bin/env python3
"""The installed package as a stranger meets it: installs Stint, builds hello/ with find_package(stint) against nothing but
the installed files, and runs a job through the installed broker, the installed command line and that worker."""

import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

BUILD_SECONDS = 300
RUN_SECONDS = 60

bin_directory = pathlib.Path(os.environ["STINT_BIN"])
source = pathlib.Path(os.environ["STINT_SOURCE"])


def call(*command, **options):
    """Runs a command to its end; its output is shown when it fails, and returned when it does not."""
    options = {"timeout": BUILD_SECONDS, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} | options
    print("+", *command, flush=True)
    done = subprocess.run([str(word) for word in command], **options)
    if done.returncode != 0:
        sys.exit(f"{done.stdout or ''}{done.stderr or ''}\n{command[0]} ended with status {done.returncode}")
    return done.stdout


def read_line(process, seconds):
    """The next line of a process's stdout, with a deadline."""
    deadline = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        if not select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            sys.exit(f"no line within {seconds} s, only {line!r}")
        byte = os.read(process.stdout.fileno(), 1)
        if not byte:
            sys.exit(f"ended with status {process.wait(seconds)} after {line!r}")
        line += byte
    return line.decode()


def expect(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: expected {expected!r}, found {found!r}")


def install(prefix):
    call("cmake", "--install", bin_directory.parent, "--prefix", prefix)
    for file in prefix.rglob("*.cmake"):
        for private in (source, bin_directory.parent):
            if str(private) in file.read_text():
                sys.exit(f"{file.name} names {private}, which is not there on another machine")
    headers = {path.relative_to(prefix / "include").parts[0] for path in (prefix / "include").rglob("*.hpp")}
    expect("folders of installed headers", headers, {"stint"})


def build_hello(prefix, directory):
    main = source / "tests/package/hello/main.cpp"
    lines = len(main.read_text().splitlines())
    if lines > 15:
        sys.exit(f"a worker should fit into 15 lines, {main.name} has {lines}")
    call("cmake", "-G", "Ninja", "-S", main.parent, "-B", directory, f"-DCMAKE_PREFIX_PATH={prefix}",
         "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF")
    call("cmake", "--build", directory)
    return directory / "hello"


def run_job(prefix, hello, scratch):
    """One job of two tasks; every process must end by itself and well."""
    # Whatever the programs keep by default is kept in the scratch directory, not in the home of who runs the tests.
    home = {"HOME": str(scratch), "XDG_STATE_HOME": str(scratch), "XDG_DATA_HOME": str(scratch),
            "XDG_RUNTIME_DIR": str(scratch)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STINT_")} | home
    processes = {}

    def start(name, *command, **options):
        print("+", *command, flush=True)
        processes[name] = subprocess.Popen([str(word) for word in command], cwd=scratch, env=environment, **options)
        return processes[name]

    try:
        broker = start("broker", prefix / "bin/stint-broker", "--memory", "--listen", "tcp://127.0.0.1:*", "--events",
                       "tcp://127.0.0.1:*", stdout=subprocess.PIPE)
        ready = read_line(broker, RUN_SECONDS)
        endpoint = re.match(r"stint-broker ready listen=(\S+) events=\S+", ready)
        if endpoint is None:
            sys.exit(f"expected the broker's ready line, found {ready!r}")

        start("worker", hello, "--broker", endpoint[1])
        results = call(prefix / "bin/stint", "submit", "--broker", endpoint[1], "--kind", "hello", "--results",
                       input="world\nmoon\n", stderr=None, timeout=RUN_SECONDS, cwd=scratch, env=environment)
        expect("results", sorted(results.splitlines()), ["hello moon", "hello world"])

        for name in ("worker", "broker"):
            processes[name].send_signal(signal.SIGTERM)
            expect(f"exit status of the {name} after SIGTERM", processes[name].wait(RUN_SECONDS), 0)
    finally:
        for process in processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()


def main():
    with tempfile.TemporaryDirectory(prefix="stint-package-") as directory:
        scratch = pathlib.Path(directory)
        prefix = scratch / "prefix"
        install(prefix)
        hello = build_hello(prefix, scratch / "build")
        (scratch / "run").mkdir()
        run_job(prefix, hello, scratch / "run")
    print("package: installed, built against and run")


if __name__ == "__main__":
    main()
