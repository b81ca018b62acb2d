"""The README's walk of one task names files and functions that exist, and its links lead somewhere."""

import os
import pathlib
import re
import sys

SOURCE = pathlib.Path(os.environ["STINT_SOURCE"])


def walk_steps(text):
    """(path, function) of each row of the walk; a bare file name is in the folder of the row's first file."""
    section = text.split("## One task, from end to end")[1]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 2:
            continue
        folder, path = None, None
        for quoted in re.findall(r"`([^`]+)`", cells[1]):
            place, _, function = quoted.rpartition(": ")
            if place or quoted.endswith(".cpp"):
                path = pathlib.Path(place or quoted)
                path = path if path.parts[1:] or folder is None else folder / path
                folder = path.parent
            yield path, function if not quoted.endswith(".cpp") else None


def function_pattern(function):
    """`Session::on(Tasks)` must be defined with that parameter, `decide` as a member of anything."""
    name, _, parameter = function.rstrip(")").partition("(")
    name = re.escape(name) if "::" in name else r"\w+::" + re.escape(name)
    return re.compile(name + r"\([^)]*" + re.escape(parameter))


def main():
    wrong = []
    text = (SOURCE / "README.md").read_text()
    steps = list(walk_steps(text))
    if len(steps) < 10:
        wrong.append("the walk of one task is missing or cannot be read")
    for path, function in steps:
        file = SOURCE / path
        if not file.is_file():
            wrong.append(f"README.md names {path}, which does not exist")
        elif function and not function_pattern(function).search(file.read_text()):
            wrong.append(f"README.md names {function} in {path}, which is not there")
    for document in SOURCE.glob("*/**/*.md"):
        if "build" not in document.parts:
            wrong += broken_links(document)
    wrong += broken_links(SOURCE / "README.md")
    print("\n".join(wrong) or f"{len(steps)} steps of the walk exist, and every link leads somewhere")
    return 1 if wrong else 0


def broken_links(document):
    prose = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", prose):
        if "://" not in target and not (document.parent / target).exists():
            yield f"{document.relative_to(SOURCE)} links to {target}, which does not exist"


if __name__ == "__main__":
    sys.exit(main())
