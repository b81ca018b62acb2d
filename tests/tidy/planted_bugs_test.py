#!/usr/bin/env python3
"""The bugs that tests/sim/planted_bugs.py plants can all be planted: the text that each of them replaces stands in its file exactly once,
and no two of them have one name."""

import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True  # nothing is left behind in the sources
sys.path.insert(0, str(SOURCE / "tests/sim"))
from bugs import BUGS, Bug  # noqa: E402


def findings(bugs, read):
    """`read` gives the text of a file by its path, or None where there is none."""
    names = set()
    for bug in bugs:
        text = read(bug.path)
        found = 0 if text is None else text.count(bug.before)
        if text is None:
            yield f"'{bug.name}' is planted in {bug.path}, which does not exist"
        elif found != 1:
            yield f"'{bug.name}' replaces '{bug.before}', which stands in {bug.path} {found} times: plant it anew"
        if bug.before == bug.after:
            yield f"'{bug.name}' changes nothing"
        if bug.name in names:
            yield f"there are two of the name '{bug.name}'"
        names.add(bug.name)


def self_test():
    """A bug that cannot be planted must be noticed."""
    sources = {"core.cpp": "one two two"}
    good = Bug("name", "promise", "core.cpp", "one", "none")
    for what, bugs, expected in [
        ("a bug that can be planted", [good], 0),
        ("a text that is gone", [good._replace(before="three")], 1),
        ("a text that stands there twice", [good._replace(before="two")], 1),
        ("a file that is gone", [good._replace(path="shell.cpp")], 1),
        ("a bug that is none", [good._replace(after="one")], 1),
        ("a name given twice", [good, good], 1),
    ]:
        found = list(findings(bugs, sources.get))
        if len(found) != expected:
            yield f"the check itself is broken: {what} gives {found}"


def main():
    def read(path):
        file = SOURCE / path
        return file.read_text(encoding="utf-8") if file.is_file() else None

    wrong = [*findings(BUGS, read), *self_test()]
    for each in wrong:
        print(f"tests/sim/bugs.py: {each}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
