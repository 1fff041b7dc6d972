#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a system call costs that has nothing to do with what is traced, of a process that nobody follows: getppid, in ns.

Beside it what programs cost that do nothing, at both raw tracepoints and at the exit alone: less no tracer can take there.
"""
import subprocess
import sys

import bench
import harness

BARS = {"durations": 200, "no durations": 105, "fentry": 0}
OPTIONS = {"durations": [], "no durations": ["--no-durations"], "fentry": ["--backend", "fentry", "-e", "%ns"]}
EMPTY = {"empty programs at both": ["sys_enter", "sys_exit"], "an empty one at the exit": ["sys_exit"]}
NOISE = 5  # ns; what two measurements of the same thing differ by


class Empty:
    """Programs that do nothing, attached."""

    def __init__(self, box, tracepoints):
        self.process = box.start(box.program("empty_probes"), *tracepoints)
        self.process.stdout.readline()

    def stop(self):
        self.process.kill()
        self.process.wait()


def main():
    box, chosen = bench.options(__doc__, times=(2000000, "calls in a round"), rounds=(9, "rounds"))
    # someone has to be followed: who sleeps costs nothing
    sleeper = subprocess.Popen(["sleep", "3600"])
    ways = {"not traced": None}
    ways |= {name: lambda options=options: box.follow(str(sleeper.pid), options=options) for name, options in OPTIONS.items()}
    ways |= {name: lambda tracepoints=tracepoints: Empty(box, tracepoints) for name, tracepoints in EMPTY.items()}
    taken = {name: [] for name in ways}
    one = lambda: harness.said(subprocess.run([box.program("getppid"), str(chosen.times)], capture_output=True, text=True, check=True).stdout)["ns"]
    try:
        for i in range(chosen.rounds):
            for name in list(ways) if i % 2 else reversed(list(ways)):
                if ways[name] is None:
                    taken[name].append(one())
                    continue
                try:
                    tracer = ways[name]()
                except AssertionError as error:  # a kernel without trampolines
                    print(f"{name}: not measured: {error}", file=sys.stderr)
                    del ways[name], taken[name]
                    continue
                try:
                    taken[name].append(one())
                finally:
                    tracer.stop()
    finally:
        sleeper.kill()
        sleeper.wait()
        box.close()
    base = bench.spread(taken["not traced"])[0]
    added = {name: bench.spread([a - b for a, b in zip(taken[name], taken["not traced"])])[0] for name in taken if ways[name]}
    rows = [(name, *(f"{v:.0f}" for v in bench.spread(taken[name])), f"{added[name]:+.0f}" if name in added else "") for name in taken]
    bench.table(("ns a call", "median", "q1", "q3", "added"), rows)
    print(f"without tracing: {base:.0f} ns")
    return bench.bars(*((f"added by {name}, ns", max(0, round(added[name] - (NOISE if name == "fentry" else 0))), BARS[name])
                        for name in added if name in BARS))


if __name__ == "__main__":
    sys.exit(main())
