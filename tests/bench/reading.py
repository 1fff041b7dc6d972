#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long a reader waits: explaining and summing up a `docker run`, drawing it, and drawing 1,000 processes.

Each command from its start to its end, with the recordings in examples/; the best of each counts, since a busy machine
only adds.
"""
import os
import statistics
import subprocess
import sys
import time

import bench
from traces import many


def milliseconds(command, times):
    taken = []
    for _ in range(times):
        begin = time.monotonic_ns()
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        taken.append((time.monotonic_ns() - begin) / 1e6)
    return min(taken), statistics.median(taken)


def main():
    box, chosen = bench.options(__doc__, needs=("nstrace",), times=(15, "measurements of each"))
    try:
        run = box.source / "examples" / "docker-run.jsonl"
        thousand = box.temp / "thousand.jsonl"
        events = many(run, thousand, 1000)
        out = os.fspath(box.temp / "picture")
        rows, best = [], {}

        def measure(name, *command):
            best[name], median = milliseconds([box.nstrace, *command], chosen.times)
            rows.append((name, f"{best[name]:.1f}", f"{median:.1f}"))

        measure("explain", "explain", run)
        measure("explain --format json", "explain", run, "--format", "json")
        measure("show", "show", run)
        measure("show --tree", "show", "--tree", run)
        measure("show --summary", "show", "--summary", run)
        for ending in "svg", "html", "json", "dot", "png", "pdf":
            measure("draw ." + ending, "draw", run, "-o", out + "." + ending)
        measure("1,000 processes", "draw", thousand, "-o", out + ".svg")
        measure("1,000 processes, all", "draw", "--all", thousand, "-o", out + ".svg")
        measure("1,000 over time, all", "draw", "--all", "--view", "timeline", thousand, "-o", out + ".svg")
    finally:
        box.close()
    bench.table((f"ms ({events} events in 1,000 processes)", "best", "median"), rows)
    return bench.bars(("explain of a docker run, ms", round(best["explain"], 1), 50),
                      ("1,000 processes to .svg, ms", round(best["1,000 processes"]), 2000),
                      ("1,000 processes, each drawn, ms", round(best["1,000 processes, all"]), 2000),
                      ("1,000 processes over time, ms", round(best["1,000 over time, all"]), 2000))


if __name__ == "__main__":
    sys.exit(main())
