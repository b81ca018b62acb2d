"""The table of faults in tests/README.md is whole and true: each row has tests that exist and say which row they are, or says what it
waits for."""

import itertools
import os
import pathlib
import re
import sys

SOURCE = pathlib.Path(os.environ.get("STINT_SOURCE") or pathlib.Path(__file__).resolve().parents[2])
ROWS = 40
WAITS = re.compile(r"needs (?:disk|keys)(?: and (?:disk|keys))?$")


def rows(text):
    """Number, fault and tests of each row of the table."""
    section = text.split("## Faults, and their tests")[1].split("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0].isdigit():
            yield int(cells[0]), cells[1], cells[2]


def names_row(text, row):
    """`row 12`, `Row12AWorkerIsKilled`, or `rows 12 and 13`."""
    lists = re.findall(r"\brows? ((?:\d+(?:, | and |-)?)+)", text, re.IGNORECASE)
    return bool(re.search(rf"\bRow{row}(?!\d)", text)) or any(str(row) in re.findall(r"\d+", each) for each in lists)


def header(story):
    """What stands above the first command of a story."""
    lines = itertools.takewhile(lambda line: line.startswith("#"), story.splitlines())
    return " ".join(line.lstrip("# ") for line in lines)


def faults_of(row, tests):
    """What is wrong with what a row says."""
    listed = re.findall(r"`([^`]+?): ([^`]+)`", tests)
    if not listed and not WAITS.search(tests):
        yield "names no test, and nothing that it waits for (needs disk, needs keys)"
    for path, name in listed:
        file = SOURCE / "tests" / path
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        if not text:
            yield f"tests/{path} does not exist"
        elif path.endswith(".txt"):  # a story, by the row that it begins with
            if name != f"row {row}" or not names_row(header(text), row):
                yield f"tests/{path} does not begin by saying that it tells of row {row}"
        elif f'"{name}"' not in text and f"class {name}(" not in text and f"def {name}(" not in text:
            yield f"tests/{path} has no test '{name}'"
        elif not names_row(text, row):
            yield f"tests/{path} does not say that it tests row {row}"


def findings(text):
    table = list(rows(text))
    if [row for row, _, _ in table] != list(range(1, ROWS + 1)):
        yield f"the rows are {[row for row, _, _ in table]}, not 1 to {ROWS} in order"
    for row, fault, tests in table:
        if not fault:
            yield f"row {row} does not say which fault it is"
        for wrong in faults_of(row, tests):
            yield f"row {row} {wrong}"


def self_test():
    """A table with planted mistakes must give exactly these."""
    good = "`tidy/faults_test.py: self_test`"  # which names row 7, row 12 and rows 3, 4 and 5
    for row, tests, expected in ((7, good, 0), (12, good, 0), (4, good, 0), (99, good, 1), (7, "", 1), (7, "later", 1),
                                 (7, "needs disk", 0), (7, "needs disk and keys", 0), (7, "`tidy/nowhere.py: x`", 1),
                                 (7, "`tidy/faults_test.py: nobody`", 1),
                                 (12, "`story/lost_worker.txt: row 12`", 0), (13, "`story/lost_worker.txt: row 13`", 1)):
        found = list(faults_of(row, tests))
        if len(found) != expected:
            yield f"the check itself is broken: row {row} with '{tests}' gives {found}"


def main():
    wrong = [*self_test(), *findings((SOURCE / "tests/README.md").read_text(encoding="utf-8"))]
    for each in wrong:
        print(f"tests/README.md: {each}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
