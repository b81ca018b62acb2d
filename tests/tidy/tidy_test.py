#!/usr/bin/env python3
"""Holds the sources against the ground rules of the project; each finding says what to do instead.

    pure      the cores, the model and the pure half of the client include the standard library and each other only,
              and draw no random bits
    sides     broker and worker never include each other, and common includes neither of them
    clock     nobody reads a clock, but for the files in CLOCK_READERS
    sleep     nobody sleeps to wait
    limits    every constexpr in common/model/limits.hpp says in a sentence what it bounds
    folders   the top level has the agreed folders only
    open ends nothing is left open in a comment

Before it judges the sources the check judges itself: trees with planted violations must give exactly the findings expected.
"""

import os
import pathlib
import re
import sys
import tempfile

# --- What is allowed where ------------------------------------------------------------------------------------------

FOLDERS = {"broker", "worker", "common", "tools", "tests"}

# The only files that may read a clock. Everything else is handed the time.
CLOCK_READERS = {
    "common/net/clock.hpp": "the one place where the steady clock becomes a TimePoint",
    "tests/clock/jumping_clock.cpp": "is a wall clock itself, for tests",
    "tests/sim/main.cpp": "says how long it took, outside the simulated world",
    "tests/tidy/tidy_test.py": "names what it looks for",
}

# The only files that may sleep.
SLEEPERS = {
    "tests/tidy/tidy_test.py": "names what it looks for",
}

# Where the code is pure, and which project headers it may include there.
MODEL = ["common/model/"]
SESSION = MODEL + ["common/session/"]
PURE = {
    "common/model/": MODEL,
    "common/session/": SESSION,
    "broker/core/": SESSION + ["broker/core/"],
    "worker/core/": SESSION + ["worker/core/"],
    "common/client/session": SESSION + ["common/client/session"],
}

# The part of the standard library that computes and does nothing else.
PURE_STANDARD_HEADERS = set(
    """
    algorithm any array atomic bit bitset cassert cctype cerrno cfloat charconv chrono cinttypes climits cmath compare
    concepts cstddef cstdint cstdlib cstring cuchar cwchar deque exception expected forward_list functional
    initializer_list iterator limits list map memory memory_resource new numbers numeric optional queue random ranges
    ratio set span stack stdexcept string string_view tuple type_traits typeindex typeinfo unordered_map unordered_set
    utility valarray variant vector version
    """.split()
)

# Single exceptions, each with its reason.
PURE_EXCEPTIONS = {
    ("common/model/digest", "isa-l.h"): "CRC32C",
    ("common/model/digest", "isa-l/crc.h"): "CRC32C",
    ("common/model/require", "cstdio"): "a broken invariant has to be said before the process ends",
}

CPP = (".cpp", ".hpp", ".h")
SHELL = (".sh", ".test", ".bash")

CLOCK_CPP = re.compile(
    r"::now\s*\(|\bclock_gettime\b|\bgettimeofday\b|\btimespec_get\b|\b__rdtsc\b"
    r"|(?<![\w.>])(?:std::)?time\s*\(\s*(?:nullptr|NULL|0|&\s*\w+)\s*\)|(?<![\w.>])(?:std::)?clock\s*\(\s*\)"
)
SLEEP_CPP = re.compile(
    r"\bsleep_(?:for|until)\b|\b(?:usleep|nanosleep|clock_nanosleep)\s*\(|(?<![\w.>])sleep\s*\("
    r"|\bpoll\s*\(\s*(?:nullptr|NULL|0)\s*,\s*0\s*,"
)
# A test may measure its own deadline, so the monotonic clock is free to Python; the wall clock is not.
CLOCK_PYTHON = re.compile(r"\btime\.time(?:_ns)?\s*\(|\bdatetime\.(?:now|utcnow|today)\s*\(|\bfrom time import\b")
SLEEP_PYTHON = re.compile(r"\btime\.sleep\b|\basyncio\.sleep\s*\(\s*[^0\s)]|\bos\.system\s*\(\s*[\"']sleep\b")
# Only as a command of the script itself: as the payload of a task, a sleeping process is a fair thing to ask for.
SLEEP_SHELL = re.compile(r"(?:^|[;&|({]|\b(?:do|then|else)\b)\s*(?:/bin/)?sleep\s+[\d.$\"]")
RANDOM_CPP = re.compile(r"\brandom_device\b|(?<![\w.>])(?:std::)?s?rand\s*\(")
OPEN_ENDS = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# Comments and literals of C++, so that a comment may speak of what the code must not do.
CPP_NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^\s()\\]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)


# --- The check ------------------------------------------------------------------------------------------------------


def code_only(text):
    """C++ without comments and literals, every line in its place."""
    return CPP_NOISE.sub(lambda match: "\n" * match.group().count("\n") or " ", text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


class Tidy:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.findings = []  # (rule, file, line, what to do)

    def check(self):
        self.check_folders()
        for path in self.sources():
            self.check_file(path)
        return self.findings

    def find(self, rule, path, line, advice):
        self.findings.append((rule, path, line, advice))

    def sources(self):
        """Every file of ours that is text, as a path from the root."""
        for top in sorted(self.root.iterdir()):
            if top.is_file():
                yield top.name
            elif top.name in FOLDERS or top.name in {".ci", ".github"}:
                for directory, subdirectories, files in os.walk(top):
                    subdirectories[:] = sorted(name for name in subdirectories if name != "__pycache__")
                    for name in sorted(files):
                        yield (pathlib.Path(directory) / name).relative_to(self.root).as_posix()

    def check_folders(self):
        for top in sorted(self.root.iterdir()):
            if top.is_dir() and not top.name.startswith(".") and top.name not in FOLDERS | {"build"}:
                self.find("folders", top.name, 0, "move it into one of " + ", ".join(sorted(FOLDERS)))

    def check_file(self, path):
        try:
            text = (self.root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return  # A binary fixture.
        self.check_open_ends(path, text)
        is_script = text.startswith("#!") and "sh" in text.split("\n", 1)[0]
        if path.endswith(CPP):
            self.check_includes(path, text)
            code = code_only(text)
            self.check_waiting(path, code, CLOCK_CPP, SLEEP_CPP)
            self.check_randomness(path, code)
        elif path.endswith(".py"):
            self.check_waiting(path, text, CLOCK_PYTHON, SLEEP_PYTHON)
        elif path.endswith(SHELL) or is_script:
            self.check_waiting(path, text, None, SLEEP_SHELL)
        if path == "common/model/limits.hpp":
            self.check_limits(path, text)

    def check_open_ends(self, path, text):
        if path == "tests/tidy/tidy_test.py":
            return  # It names what it looks for.
        for match in OPEN_ENDS.finditer(text):
            self.find("open ends", path, line_of(text, match.start()), "finish it now, or open an issue and say nothing here")

    def check_waiting(self, path, code, clock, sleep):
        if clock is not None and path not in CLOCK_READERS:
            advice = "take the time as an argument; a shell gets it once a turn from common/net/clock.hpp"
            if path.endswith(".py"):
                advice = "use time.monotonic(), and for deadlines only"
            for match in re.finditer(clock.pattern, code, re.MULTILINE):
                self.find("clock", path, line_of(code, match.start()), advice)
        if path not in SLEEPERS:
            advice = "wait for an event with a deadline"
            if path.endswith(CPP):
                advice += " (poll, a condition variable, next_deadline())"
            else:
                advice += " (a line of output, a message, an exit)"
            for match in re.finditer(sleep.pattern, code, re.MULTILINE):
                self.find("sleep", path, line_of(code, match.start()), advice)

    def check_randomness(self, path, code):
        if path.startswith(tuple(PURE)):
            for match in RANDOM_CPP.finditer(code):
                self.find("pure", path, line_of(code, match.start()), "take random bits, or a seed, as an argument")

    def check_includes(self, path, text):
        pure = next((allowed for place, allowed in PURE.items() if path.startswith(place)), None)
        for match in INCLUDE.finditer(text):
            quote, header = match.groups()
            line = line_of(text, match.start(1))
            side = path.split("/", 1)[0]
            if self.is_on_other_side(side, header):
                self.find("sides", path, line, f"{side} must not know {header}: move what both need to common")
            if pure is not None and not self.is_pure(path, quote, header, pure):
                self.find(
                    "pure", path, line,
                    f"{header} does not belong here: this part computes only; put the effect into the outbox and its "
                    "doing into the shell",
                )

    @staticmethod
    def is_on_other_side(side, header):
        others = {
            "broker": ("worker/", "stint/worker.hpp", "tools/", "tests/"),
            "worker": ("broker/", "tools/", "tests/"),
            "common": ("broker/", "worker/", "stint/worker.hpp", "tools/", "tests/"),
        }
        return header.startswith(others.get(side, ()) or ("\0",))

    @staticmethod
    def is_pure(path, quote, header, allowed):
        if any(path.startswith(place) and header == excepted for place, excepted in PURE_EXCEPTIONS):
            return True
        if header.startswith("stint/") or (quote == '"' and header.startswith(tuple(allowed))):
            return True
        return quote == "<" and header in PURE_STANDARD_HEADERS

    def check_limits(self, path, text):
        lines = text.splitlines()
        for number, line in enumerate(lines, start=1):
            code, slashes, comment = line.partition("//")
            if not re.search(r"\bconstexpr\b", code):
                continue
            if not slashes:
                before = lines[number - 2].strip() if number > 1 else ""
                comment = before[2:] if before.startswith("//") else ""
            if len(comment.split()) < 2:
                self.find("limits", path, number, "say in one sentence behind it, or in the line above, what it bounds")


# --- The check of the check -----------------------------------------------------------------------------------------

CLEAN = {
    "common/model/limits.hpp": "constexpr int kOne = 1;  // Ones in a row.\n// Twos in a row.\nconstexpr int kTwo = 2;\n",
    "common/model/digest.cpp": '#include <isa-l/crc.h>\n#include "common/model/digest.hpp"\n',
    "common/model/require.cpp": "#include <cstdio>\n",
    "common/net/clock.hpp": "#include <chrono>\ninline auto now() { return std::chrono::steady_clock::now(); }\n",
    "common/net/loop.cpp": '#include <zmq.hpp>\n#include <thread>\n#include "common/wire/codec.hpp"\n',
    "common/client/session.hpp": '#include <vector>\n#include <stint/ids.hpp>\n#include "common/session/gate.hpp"\n',
    "common/client/client.cpp": '#include <mutex>\n#include "common/client/session.hpp"\n',
    "broker/core/broker.cpp": (
        '#include <vector>\n#include "broker/core/broker.hpp"\n'
        "// No sleep(1), no steady_clock::now() here; they said sleep_for(1s).\n"
        'const char* text = "time(nullptr) and usleep(5)";\nint n = 1\'000\'000;\nauto t = now(); auto u = job.time(0);\n'
    ),
    "worker/core/session.cpp": '#include "worker/core/session.hpp"\n#include "stint/ids.hpp"\n',
    "tools/stint/run.cpp": '#include "broker/shell/loop.hpp"\n#include <stint/worker.hpp>\n',
    "tests/e2e/run.sh": "#!/bin/bash\nstint run -- sleep 5\n",
    "tests/e2e/kill_test.py": 'import time\ndeadline = time.monotonic() + 5\nrun("stint", "run", "--", "sleep", "5")\n',
    "README.md": "A name such as /tmp/stint.XXXXXX is no open end.\n",
}

PLANTED = [
    ("pure", "broker/core/a.cpp", "#include <thread>\n", 1),
    ("pure", "broker/core/a.cpp", "\n#include <zmq.hpp>\n", 2),
    ("pure", "broker/core/a.cpp", '#include "broker/store/store.hpp"\n', 1),
    ("pure", "broker/core/a.cpp", '#include "a.hpp"\n', 1),
    ("pure", "worker/core/a.hpp", "#include <mutex>\n", 1),
    ("pure", "worker/core/a.hpp", "#  include <boost/asio.hpp>\n", 1),
    ("pure", "worker/core/a.hpp", '#include "common/net/loop.hpp"\n', 1),
    ("pure", "common/model/a.hpp", "#include <fstream>\n", 1),
    ("pure", "common/model/a.hpp", "#include <isa-l/crc.h>\n", 1),
    ("pure", "common/model/a.hpp", '#include "common/session/gate.hpp"\n', 1),
    ("pure", "common/session/a.hpp", "#include <iostream>\n", 1),
    ("pure", "common/session/a.hpp", "#include <msgpack.hpp>\n", 1),
    ("pure", "common/session/a.hpp", "#include <spdlog/spdlog.h>\n", 1),
    ("pure", "common/client/session.cpp", "#include <sqlite3.h>\n", 1),
    ("pure", "common/client/session.cpp", '#include "common/client/client.hpp"\n', 1),
    ("pure", "worker/core/a.cpp", "std::random_device seed;\n", 1),
    ("sides", "broker/shell/a.cpp", '#include "worker/core/session.hpp"\n', 1),
    ("sides", "broker/shell/a.cpp", "#include <stint/worker.hpp>\n", 1),
    ("sides", "worker/runtime/a.cpp", '#include "broker/core/broker.hpp"\n', 1),
    ("sides", "common/net/a.cpp", '#include "broker/core/broker.hpp"\n', 1),
    ("clock", "broker/shell/a.cpp", "auto t = std::chrono::steady_clock::now();\n", 1),
    ("clock", "common/net/a.cpp", "\n\nclock_gettime(CLOCK_MONOTONIC, &t);\n", 3),
    ("clock", "common/net/a.cpp", "/* why\n */ gettimeofday(&t, nullptr);\n", 2),
    ("clock", "worker/runtime/a.cpp", "auto t = time(nullptr);\n", 1),
    ("clock", "tests/core/a.cpp", "auto t = std::time(0);\n", 1),
    ("clock", "tests/e2e/a_test.py", "started = time.time()\n", 1),
    ("sleep", "worker/runtime/a.cpp", "std::this_thread::sleep_for(1s);\n", 1),
    ("sleep", "tests/net/a.cpp", "char c = '\"'; usleep(10);\n", 1),
    ("sleep", "tests/net/a.cpp", "sleep(1);\n", 1),
    ("sleep", "tests/e2e/a_test.py", "time.sleep(0.1)\n", 1),
    ("sleep", "tests/e2e/a.sh", "while true; do sleep 1; done\n", 1),
    ("sleep", "tools/quickstart", "#!/usr/bin/env bash\nsleep 0.5\n", 2),
    ("limits", "common/model/limits.hpp", "// Sizes.\n\nconstexpr int kOne = 1;\n", 3),
    ("limits", "common/model/limits.hpp", "constexpr int kOne = 1;  //\n", 1),
    ("folders", "cmake/a.txt", "", 0),
    ("open ends", "broker/shell/a.cpp", "// TO" + "DO: later\n", 1),
    ("open ends", "README.md", "FIX" + "ME\n", 1),
    ("open ends", "CMakeLists.txt", "# XX" + "X\n", 1),
]


def findings_in(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Tidy(root).check()


def self_test():
    failures = []
    for finding in findings_in(CLEAN):
        failures.append(f"finds fault with a clean tree: {finding}")
    for rule, path, text, line in PLANTED:
        expected = [(rule, path.split("/")[0] if rule == "folders" else path, line)]
        found = [finding[:3] for finding in findings_in({path: text})]
        if found != expected:
            failures.append(f"planted {text!r} in {path}: expected {expected}, found {found}")
    return failures


def main():
    failures = self_test()
    if failures:
        print("tidy: the check itself is broken:", *failures, sep="\n  ")
        return 1
    root = os.environ.get("STINT_SOURCE") or pathlib.Path(__file__).resolve().parents[2]
    findings = Tidy(root).check()
    for rule, path, line, advice in findings:
        print(f"{path}:{line}: {rule}: {advice}")
    print(f"tidy: {len(PLANTED)} planted violations found, {len(findings)} in the sources")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
