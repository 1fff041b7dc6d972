#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""table.py README TABLE: puts the lines of TABLE, "| kernel | machine | Debian | ...", into the marked table of README.

A line takes the place of that of the same machine and Debian release; the others stay.
"""
import pathlib
import sys

BEGIN, END = "<!-- kernels: written by tests/kernels/run.sh --update-readme -->", "<!-- end of kernels -->"
SUITES = ["bullseye", "bookworm", "trixie", "sid"]


def key(line):
    """(machine, Debian release) of a line, in the order of the table."""
    cells = [cell.strip() for cell in line.strip("| \n").split("|")]
    return ["x86_64", "aarch64"].index(cells[1]), SUITES.index(cells[2])


def main():
    readme, table = map(pathlib.Path, sys.argv[1:3])
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN + "\n")
    inside, after = rest.split(END)
    head, lines = inside.splitlines()[:2], inside.splitlines()[2:]
    rows = {key(line): line for line in lines}
    rows.update((key(line), line) for line in table.read_text(encoding="utf-8").splitlines())
    inside = "\n".join(head + [rows[k] for k in sorted(rows)]) + "\n"
    readme.write_text(before + BEGIN + "\n" + inside + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
