#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the live tests: nstrace itself, as root, on the tiny programs, the mini runtime and real daemons.

Each prints "ok NAME", "FAILED NAME: why" or "SKIPPED NAME: why"; the last line is "N passed, N failed, N skipped".
"""
import argparse
import os
import pathlib
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402


def main():
    here = pathlib.Path(__file__).resolve()
    parser = argparse.ArgumentParser(description="the live tests of nstrace")
    parser.add_argument("--build", default=str(here.parents[2] / "build"), help="the build folder (default: build/)")
    parser.add_argument("--group", action="append", help="only these files: programs, backend, state, patient, follow, gates, cli, words, strace, options, lab, "
                        "lab_same, like, examples, pictures, page, check, docker, container, expect, diff, explain (default: those without docker)")
    parser.add_argument("--list", action="store_true", help="print the names of the tests")
    parser.add_argument("names", nargs="*", help="only the tests whose name contains one of these")
    options = parser.parse_args()

    # Asked to end, it still takes down what the running test has put up.
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    groups = options.group or ["programs", "backend", "state", "patient", "follow", "gates", "cli", "words", "strace", "options", "lab", "lab_same", "like", "examples", "pictures", "page", "check"]
    for group in groups:
        path = here.parent / (group + "_test.py")
        if not path.exists():
            parser.error("there is no " + str(path))
        __import__(group + "_test")
    return harness.run(pathlib.Path(options.build).resolve(), options.names, options.list)


if __name__ == "__main__":
    sys.exit(main())
