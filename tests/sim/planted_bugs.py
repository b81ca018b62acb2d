#!/usr/bin/env python3
"""Plants known bugs in a copy of the sources, one at a time, and looks whether the simulator finds each.

    tests/sim/planted_bugs.py                      all of them; about 20 minutes on two cores
    tests/sim/planted_bugs.py fence reader         those whose name, promise or file has one of these words in it
    tests/sim/planted_bugs.py --table [WORD ...]   writes what these came to into the table of README.md

A checker that cannot fail proves nothing. Each bug is one piece of text of a core that is replaced by another (bugs.py): the
cores themselves hold no switch for it, so that what is shipped is what was tested. While the seeds of one bug are run, the next
one is compiled. It is run by hand: when the checker changes, and when a core has changed so much that a bug must be planted anew.

Exit code 0: all were found; 1: some were not; 2: a bug's text does not stand in the sources any more, or does not compile.
"""

import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True  # nothing is left behind in the sources
from bugs import BUGS  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
README = HERE / "README.md"
CPU_SECONDS = 600  # for the seeds of one bug; without a failure 2,000 take about 40
BEGIN, END = "<!-- planted: begin -->\n", "<!-- planted: end -->\n"


def stop(text):
    print(text, file=sys.stderr)
    sys.exit(2)


def replaced(bug):
    text = (ROOT / bug.path).read_text()
    found = text.count(bug.before)
    if found != 1:
        stop(f"{bug.path} has changed: '{bug.before}' stands there {found} times. Plant '{bug.name}' anew in tests/sim/bugs.py.")
    return text.replace(bug.before, bug.after)


def write_if_changed(path, content):
    """What has not changed keeps its time, so that it is not compiled again."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def copy_sources(directory):
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in names.stdout.split("\n"):
        if name and (ROOT / name).is_file():
            write_if_changed(directory / name, (ROOT / name).read_bytes())


def build(directory, what):
    built = subprocess.run(["ninja", "-C", directory / "build/release", "stint-sim"], capture_output=True, text=True)
    if built.returncode != 0:
        stop(f"{what} does not compile:\n{built.stdout[-3000:]}")


def reason(output, errors):
    """What the checker said, or the invariant that ended the process, in one line."""
    broken = [line for line in errors.split("\n") if "does not hold" in line]
    if broken:
        text = "ledger: " + re.sub(r"^.*report it: ", "", broken[0]).split(" (/")[0]
    else:
        lines = output.split("\n")
        first = next(i for i, line in enumerate(lines) if line.startswith("FAILED"))
        text = re.sub(r"^at [0-9.]+ s: ", "", lines[first + 1].strip())
    text = text.replace("|", "/")
    return text if len(text) <= 150 else text[:147] + "..."


def search(program, seeds):
    """The first seed that fails, and why; None: there is none. An endless loop ends its process, and so its seed has failed."""
    run = subprocess.run(["prlimit", f"--cpu={CPU_SECONDS}", program, "--seeds", f"1..{seeds}", "--until-failure"],
                         capture_output=True, text=True, errors="replace")
    program.unlink()
    failed = re.search(r"^FAILED seed (\d+)", run.stdout, re.M)
    return (int(failed[1]), reason(run.stdout, run.stderr)) if failed else None


def row(bug, found):
    seed, why = found if found else ("none", "NOT FOUND")
    return f"| {bug.name} | {bug.promise} | {seed} | {why} |"


def write_table(rows):
    """Rows by the names of their bugs; those that were not run stay as they are."""
    before, rest = README.read_text().split(BEGIN)
    table, after = rest.split(END)
    head, known = table.splitlines()[:2], {line.split(" | ")[0][2:]: line for line in table.splitlines()[2:]}
    rows = known | rows
    lines = head + [rows[bug.name] for bug in BUGS if bug.name in rows]
    README.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--directory", default=str(ROOT / "build/planted"), help="where the copy lives; kept, to be quick the next time")
    parser.add_argument("--table", action="store_true", help="write their rows of the table in README.md")
    parser.add_argument("words", nargs="*", help="all bugs if none is given")
    arguments = parser.parse_args()
    texts = {bug: replaced(bug) for bug in BUGS}  # all of them, before hours are spent
    chosen = [bug for bug in BUGS
              if not arguments.words or any(word in bug.name + bug.promise + bug.path for word in arguments.words)]

    directory = pathlib.Path(arguments.directory).resolve()
    copy_sources(directory)
    subprocess.run(["cmake", "--preset", "release", "-DSTINT_WERROR=OFF"], cwd=directory, check=True, capture_output=True)
    build(directory, "the copy")
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        searches = []
        for bug in chosen:
            (directory / bug.path).write_text(texts[bug])
            build(directory, f"'{bug.name}'")
            program = directory / f"planted-{len(searches)}"
            shutil.copy(directory / "build/release/tests/stint-sim", program)
            write_if_changed(directory / bug.path, (ROOT / bug.path).read_bytes())
            searches.append(pool.submit(search, program, arguments.seeds))
            searches[-1].add_done_callback(lambda found, bug=bug: print(row(bug, found.result()), flush=True))
        results = [each.result() for each in searches]
    if arguments.table:
        write_table({bug.name: row(bug, found) for bug, found in zip(chosen, results)})
    found = sum(result is not None for result in results)
    print(f"{found} of {len(chosen)} found within {arguments.seeds} seeds")
    return 0 if found == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
