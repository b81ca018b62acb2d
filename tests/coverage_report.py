#!/usr/bin/env python3
"""Sums up what llvm-cov has exported: lines and branches of the cores, by folder; what is not covered goes to a file.

    tests/coverage_report.py EXPORT.json REPORT.txt
"""

import json
import pathlib
import sys

CORES = ("broker/core/", "worker/core/", "common/client/session", "common/session/", "common/model/")
LEAST = (95, 90)  # percent of lines, of branches
ROOT = pathlib.Path(__file__).resolve().parents[1]


def lines_of(segments):
    """Line -> whether it was run, for the lines that hold code. A segment begins at its place and reaches to the next one."""
    counts = {}
    for (line, _, count, has_count, *_), following in zip(segments, segments[1:]):
        if has_count:
            for each in range(line, following[0] + (following[1] > 1)):
                counts[each] = max(counts.get(each, 0), count)
    return counts


def branches_of(branches):
    """(line, column, side) -> how often; templates and programs have the same place more than once."""
    counts = {}
    for line, column, _, _, taken, not_taken, *_ in branches:
        for side, count in (("true", taken), ("false", not_taken)):
            counts[line, column, side] = counts.get((line, column, side), 0) + count
    return counts


def main():
    export, report = map(pathlib.Path, sys.argv[1:])
    groups = {}
    with open(report, "w", encoding="utf-8") as out:
        for file in sorted(json.loads(export.read_text())["data"][0]["files"], key=lambda file: file["filename"]):
            path = pathlib.Path(file["filename"])
            name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
            if not name.startswith(CORES):
                continue
            summary = file["summary"]["lines"]
            branches = branches_of(file.get("branches", []))
            group = groups.setdefault(name.rsplit("/", 1)[0], [0, 0, 0, 0])
            for i, number in enumerate((summary["covered"], summary["count"], sum(map(bool, branches.values())), len(branches))):
                group[i] += number
            text = path.read_text().split("\n")
            missing = {line: "never run" for line, count in lines_of(file["segments"]).items() if count == 0}
            for (line, _, side), count in branches.items():
                if count == 0 and line not in missing:
                    missing[line] = f"never {side}"
            for line in sorted(missing):
                if text[line - 1].strip("{} \t;"):
                    out.write(f"{name}:{line}: {missing[line]}: {text[line - 1].strip()}\n")

    def percent(part, whole):
        return f"{100 * part / whole:6.1f} %" if whole else "       -"

    total = [sum(numbers) for numbers in zip(*groups.values())]
    print(f"{'':16}{'lines':>18}{'branches':>20}")
    for name, (lines, of_lines, taken, of_taken) in [*sorted(groups.items()), ("all", total)]:
        print(f"{name:16}{percent(lines, of_lines)} of {of_lines:5}{percent(taken, of_taken)} of {of_taken:5}")
    print(f"what is not covered: {report}")
    lines, of_lines, taken, of_taken = total
    return 0 if 100 * lines >= LEAST[0] * of_lines and 100 * taken >= LEAST[1] * of_taken else 1


if __name__ == "__main__":
    sys.exit(main())
