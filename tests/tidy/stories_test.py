#!/usr/bin/env python3
"""The index of the stories (tests/story/README.md) is whole and true: each promise and each row of faults that the broker's core decides
has a story that says so, and each story is in the index."""

import re
import sys

import faults_test

STORIES = faults_test.SOURCE / "tests/story"
PROMISES = len(re.findall(r"^\d\. \*\*", (faults_test.SOURCE / "README.md").read_text(encoding="utf-8"), re.MULTILINE))


def table(text, heading):
    """The cells of each row of the table under a heading."""
    section = text.split(f"## {heading}")[1].split("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells[0] and not set(cells[0]) <= set("-"):
            yield cells


def stories_in(cell):
    return re.findall(r"`(\w+\.txt)`", cell)


def numbered(text, heading, most):
    """Number -> stories of a table whose first cells begin with 1 to `most`."""
    found = {}
    for cells in list(table(text, heading))[1:]:
        found[int(cells[0].split()[0])] = (stories_in(cells[1]), cells[1])
    if list(found) != list(range(1, most + 1)):
        raise ValueError(f"'{heading}' has the numbers {list(found)}, not 1 to {most} in order")
    return found


def findings(index, faults, stories):
    """`index` is the text of the index, `faults` that of tests/README.md, `stories` name -> text."""
    if PROMISES == 0:
        yield "README.md promises nothing that could be found"
    rows = numbered(index, "The rows of faults, and their stories", faults_test.ROWS)
    promises = numbered(index, "The promises, and their stories", PROMISES)
    for row, (names, cell) in rows.items():
        if not names and not cell:
            yield f"row {row} has neither a story nor says who decides it"
        for name in names:
            if not faults_test.names_row(faults_test.header(stories.get(name, "")), row):
                yield f"{name} does not begin by saying that it tells of row {row}"
    for promise, (names, _) in promises.items():
        if not names:
            yield f"promise {promise} has no story"
        for name in names:
            if not re.search(rf"\bpromise {promise}\b", faults_test.header(stories.get(name, "")), re.IGNORECASE):
                yield f"{name} does not begin by saying that it tells of promise {promise}"
    for row, _, tests in faults_test.rows(faults):
        names = rows[row][0]
        if "`core/" in tests and not names:
            yield f"row {row} has tests of the core and no story"
        listed = re.findall(r"`story/(\w+\.txt): ", tests)
        if listed != names:
            yield f"row {row} has the stories {names} here and {listed} in tests/README.md"
    for name in sorted(set(stories) - set(stories_in(index))):
        yield f"{name} is not in the index"
    for name in sorted(set(stories_in(index)) - set(stories)):
        yield f"{name} does not exist"
    for name, text in stories.items():
        if not faults_test.header(text).strip().endswith((".", ")")):
            yield f"{name} does not begin with a sentence"
        if not re.search(r"^----\n(?!\(nothing\)$).", text, re.MULTILINE):
            yield f"nobody sees anything in {name}"


def self_test(index, faults, stories):
    """A row, a promise or a story less must be noticed."""
    lost = "lost_worker.txt"
    for what, changed in {
        "an index without a row's story": (index.replace(f"| 12 | `{lost}`", "| 12 | the store"), faults, stories),
        "an index without a promise's story": (re.sub(rf"(\| 3 .*\|) `{lost}`", r"\1", index), faults, stories),
        "a story that is gone": (index, faults, {name: text for name, text in stories.items() if name != lost}),
        "a story too many": (index, faults, {**stories, "new.txt": stories[lost]}),
        "a story without its row": (index, faults, {**stories, lost: stories[lost].replace("Row 12", "A row")}),
        "a story that shows nothing": (index, faults, {**stories, lost: "# Row 12, promise 3.\n\nclient ann\n----\n(nothing)\n"}),
    }.items():
        if not list(findings(*changed)):
            yield f"the check itself is broken: {what} is not noticed"


def main():
    index = (STORIES / "README.md").read_text(encoding="utf-8")
    faults = (faults_test.SOURCE / "tests/README.md").read_text(encoding="utf-8")
    stories = {path.name: path.read_text(encoding="utf-8") for path in sorted(STORIES.glob("*.txt"))}
    wrong = [*findings(index, faults, stories), *self_test(index, faults, stories)]
    for each in wrong:
        print(f"tests/story/README.md: {each}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
